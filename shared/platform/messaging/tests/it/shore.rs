//! Where the promises are kept: a server in this process and a paused clock, or any other.

use std::time::Duration;

use messaging::{
    Consumer, ConsumerOptions, Fault, Provision, QueueSpec, Settings, ShutdownSummary, Sqs,
    Transport, dead_letters,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::wire::Wire;
use crate::world::{Brought, Plainly};

/// A server, and queues on it that nobody else uses.
pub struct Shore {
    pub sqs: Sqs,
    pub wire: Option<Wire>,
}

impl Shore {
    pub async fn new() -> Shore {
        let Ok(endpoint) = std::env::var("SQS_ENDPOINT_URL") else {
            tokio::time::pause();
            let wire = Wire::new().await;
            return Shore {
                sqs: wire.sqs(),
                wire: Some(wire),
            };
        };
        let settings = Settings {
            queue_prefix: format!("promise-{:08x}-", rand::random::<u32>()),
            ..Settings::endpoint(endpoint)
        };
        Shore {
            sqs: Sqs::connect(&settings).await.unwrap(),
            wire: None,
        }
    }

    pub fn transport(&self) -> Transport {
        self.sqs.clone().into()
    }

    pub async fn parcels(&self) -> QueueSpec {
        let parcels = QueueSpec {
            visibility_timeout: Duration::from_secs(2),
            max_attempts: 3,
            ..QueueSpec::new("parcels")
        };
        let ensured = self.transport().ensure(&parcels, Provision::Create).await;
        ensured.unwrap();
        parcels
    }

    pub async fn bring(&self, parcels: impl IntoIterator<Item = i32>) {
        let parcels: Vec<_> = parcels
            .into_iter()
            .map(|parcel| Brought { parcel })
            .collect();
        self.transport().publish_all(&parcels).await.unwrap();
    }

    pub async fn consume<F, Fut>(&self, handle: F) -> Running
    where
        F: Fn(i32) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let consumer = Consumer::plain(self.parcels().await, &self.transport(), Plainly(handle));
        let mut options = ConsumerOptions::default();
        options.backoff.limit = Duration::from_secs(1);
        let consumer = consumer.options(options);
        Running::start(consumer.shutdown_timeout(Duration::from_secs(8)))
    }

    /// Messages in a queue, in whatever state.
    pub async fn depth(&self, queue: &str) -> usize {
        let depths = dead_letters::list(&self.sqs).await.unwrap();
        let depth = depths.iter().find(|depth| depth.queue == queue).unwrap();
        (depth.waiting + depth.in_flight + depth.delayed) as usize
    }

    pub async fn end(self) {
        if self.wire.is_some() {
            return;
        }
        for depth in dead_letters::list(&self.sqs).await.unwrap() {
            let name = self.sqs.full_name(&depth.queue);
            let client = self.sqs.client();
            let found = client
                .get_queue_url()
                .queue_name(name)
                .send()
                .await
                .unwrap();
            let url = found.queue_url.unwrap();
            client.delete_queue().queue_url(url).send().await.unwrap();
        }
    }
}

pub struct Running {
    pub stop: CancellationToken,
    ended: JoinHandle<ShutdownSummary>,
}

impl Running {
    pub fn start(consumer: Consumer) -> Running {
        let stop = CancellationToken::new();
        Running {
            ended: tokio::spawn(consumer.run(stop.clone())),
            stop,
        }
    }

    pub async fn end(self) -> ShutdownSummary {
        self.stop.cancel();
        self.ended.await.unwrap()
    }
}

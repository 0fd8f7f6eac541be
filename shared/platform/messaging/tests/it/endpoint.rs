//! The SQS endpoint of the promises: a server in this process with a paused clock, or an external
//! one.

use std::time::Duration;

use messaging::{
    Consumer, ConsumerOptions, Fault, Provision, QueueSpec, Settings, ShutdownSummary, Sqs,
    Transport, dead_letters,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::faulty_proxy::FaultyProxy;
use crate::fixture::{Arrived, PlainClosure};

/// An endpoint with a prefix of its own. `proxy` is set for a server in this process.
pub struct Endpoint {
    pub sqs: Sqs,
    pub proxy: Option<FaultyProxy>,
}

impl Endpoint {
    pub async fn new() -> Endpoint {
        let Ok(endpoint) = std::env::var("SQS_ENDPOINT_URL") else {
            tokio::time::pause();
            let proxy = FaultyProxy::new().await;
            return Endpoint {
                sqs: proxy.sqs(),
                proxy: Some(proxy),
            };
        };
        let settings = Settings {
            queue_prefix: format!("promise-{:08x}-", rand::random::<u32>()),
            ..Settings::endpoint(endpoint)
        };
        Endpoint {
            sqs: Sqs::connect(&settings).await.unwrap(),
            proxy: None,
        }
    }

    pub fn transport(&self) -> Transport {
        self.sqs.clone().into()
    }

    /// Creates the queue of the tests.
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

    pub async fn publish(&self, parcels: impl IntoIterator<Item = i32>) {
        let parcels: Vec<_> = parcels
            .into_iter()
            .map(|parcel| Arrived { parcel })
            .collect();
        self.transport().publish_all(&parcels).await.unwrap();
    }

    /// Starts a consumer of the queue.
    pub async fn consume<F, Fut>(&self, handle: F) -> Running
    where
        F: Fn(i32) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let consumer = Consumer::plain(
            self.parcels().await,
            &self.transport(),
            PlainClosure(handle),
        );
        let mut options = ConsumerOptions::default();
        options.backoff.limit = Duration::from_secs(1);
        let consumer = consumer.options(options);
        Running::start(consumer.shutdown_timeout(Duration::from_secs(8)))
    }

    /// The number of messages in a queue, in any state.
    pub async fn depth(&self, queue: &str) -> usize {
        let depths = dead_letters::list(&self.sqs).await.unwrap();
        let depth = depths.iter().find(|depth| depth.queue == queue).unwrap();
        (depth.waiting + depth.in_flight + depth.delayed) as usize
    }

    /// Deletes the queues of an external endpoint.
    pub async fn end(self) {
        if self.proxy.is_some() {
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

/// A running consumer.
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

    /// Stops the consumer.
    pub async fn end(self) -> ShutdownSummary {
        self.stop.cancel();
        self.ended.await.unwrap()
    }
}

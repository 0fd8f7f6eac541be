//! The runtime of a service: its consumers and its relay, which start and stop together.

use std::future::ready;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use sqlx::PgPool;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_layer::Layer;
use tower_service::Service;
use tracing::info;

use crate::consumer::Transactions;
use crate::drill::Panics;
use crate::handler::layer::{BoxError, HandlerCall, HandlerService};
use crate::options::SHUTDOWN_TIMEOUT;
use crate::restore::{UsedQueue, restore};
use crate::{
    Backoff, Consumer, ConsumerOptions, Drill, Error, Health, IntoHandler, Outbox, Provision,
    QueueSpec, Relay, RelayOptions, Settings, ShutdownSummary, Sqs, Transport, inbox, outbox,
};

/// The messaging side of a service: handlers of its queues, and the relay of its outbox.
///
/// It is built like an `axum::Router`: each call adds a queue with its handler, or a layer around
/// the handlers that were added before.
pub struct Runtime {
    transport: Transport,
    provision: Provision,
    health: Health,
    outbox: Outbox,
    relay: Relay,
    shutdown_timeout: Duration,
    queues: Vec<UsedQueue>,
    consumers: Vec<Consumer>,
}

impl Runtime {
    /// Creates a runtime on SQS or on the transport of the settings. It makes no call yet.
    ///
    /// # Errors
    /// When no AWS region is set.
    pub fn connect<'a>(
        db: &'a PgPool,
        settings: &'a Settings,
    ) -> BoxFuture<'a, Result<Runtime, Error>> {
        let connecting = async {
            let transport = match &settings.transport {
                Some(transport) => transport.clone(),
                None => Sqs::connect(settings).await?.into(),
            };
            let mut runtime = Runtime::new(db, transport);
            runtime.provision = settings.queues;
            runtime.outbox.drill = settings.drill;
            Ok(runtime.shutdown_timeout(Duration::from_secs(settings.stop_seconds)))
        };
        connecting.boxed()
    }

    /// Creates a runtime on any transport. It will create missing queues.
    pub fn new(db: &PgPool, transport: impl Into<Transport>) -> Runtime {
        let transport = transport.into();
        let health = Health::default();
        health.expects(PREPARING);
        let (direct, receivers) = outbox::channels();
        Runtime {
            outbox: Outbox::with_relay(db, direct),
            relay: Relay::new(db.clone(), transport.clone(), health.clone(), receivers),
            transport,
            provision: Provision::Create,
            health,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            queues: vec![],
            consumers: vec![],
        }
    }

    /// Adds a queue and the handler of its messages, with the default options.
    pub fn handle<Kind>(
        self,
        queue: impl Into<QueueSpec>,
        handler: impl IntoHandler<Kind>,
    ) -> Runtime {
        self.handle_with(queue, ConsumerOptions::default(), handler)
    }

    /// Adds a queue and the handler of its messages, with options for this queue alone.
    pub fn handle_with<Kind>(
        mut self,
        queue: impl Into<QueueSpec>,
        options: ConsumerOptions,
        handler: impl IntoHandler<Kind>,
    ) -> Runtime {
        let queue = queue.into();
        let transactions = Transactions::new(&self.outbox);
        let handler = handler.into_handler();
        let consumer = Consumer::new(queue.clone(), &self.transport, handler, Some(transactions));
        let consumer = consumer.options(options).health(self.health.clone());
        self.consumers.push(consumer);
        self.queues.retain(|used| used.spec.name != queue.name);
        self.queues.push(UsedQueue {
            spec: queue,
            is_read: true,
        });
        self
    }

    /// Adds a layer of [tower](https://docs.rs/tower) around the handlers that were added before,
    /// as axum does. The handlers share it, so a limit applies to all of them together. The last
    /// layer is the outermost.
    pub fn layer<L>(mut self, layer: L) -> Runtime
    where
        L: Layer<HandlerService>,
        L::Service: Service<HandlerCall, Response = ()> + Clone + Send + Sync + 'static,
        <L::Service as Service<HandlerCall>>::Error: Into<BoxError>,
        <L::Service as Service<HandlerCall>>::Future: Send,
    {
        let layered = HandlerService::layered(layer);
        let consumers = self.consumers.into_iter();
        self.consumers = consumers
            .map(|consumer| consumer.layered(&layered))
            .collect();
        self
    }

    /// Adds queues that the service only sends to, so that they exist before the first message, in
    /// whatever order services start. With [`Provision::Check`] their dead letters are not checked.
    pub fn queues(mut self, specs: impl IntoIterator<Item = impl Into<QueueSpec>>) -> Runtime {
        for spec in specs.into_iter().map(Into::into) {
            if self.queues.iter().all(|used| used.spec.name != spec.name) {
                let is_read = false;
                self.queues.push(UsedQueue { spec, is_read });
            }
        }
        self
    }

    /// Sets the options of the relay.
    pub fn relay_options(mut self, options: RelayOptions) -> Runtime {
        self.relay.options = options;
        self
    }

    /// Sets how long a graceful shutdown may take. Default: 30 s.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Runtime {
        self.shutdown_timeout = timeout;
        self
    }

    /// The outbox of this runtime. Requests begin transactions on it, and this runtime sends their
    /// messages.
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// The relay alone, for a process without consumers.
    pub fn relay(&self) -> Relay {
        self.relay.clone()
    }

    /// The health of queues and outbox, for readiness checks.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Creates or checks the queues.
    ///
    /// # Errors
    /// When a queue cannot be reached, is missing, or differs from its specification.
    pub async fn prepare(&self) -> Result<(), Error> {
        let queues = self.queues.iter();
        let ensured = queues.map(|queue| queue.ensure(&self.transport, self.provision));
        join_all(ensured).await.into_iter().collect()
    }

    /// Prepares the queues, then consumes and relays until `shutdown`. While SQS cannot be reached
    /// it retries, and is not [healthy](Runtime::health). A shutdown takes at most its
    /// [timeout](Runtime::shutdown_timeout); messages that are not sent by then stay in the outbox.
    ///
    /// # Errors
    /// When a queue is missing or differs from its specification.
    pub fn run(
        self,
        shutdown: CancellationToken,
    ) -> BoxFuture<'static, Result<ShutdownSummary, Error>> {
        let runtime = match self.outbox.drill {
            Drill::Panic => self.layer(Panics),
            Drill::Off | Drill::NewField => self,
        };
        runtime.consume_and_relay(shutdown).boxed()
    }

    async fn consume_and_relay(
        self,
        shutdown: CancellationToken,
    ) -> Result<ShutdownSummary, Error> {
        if !self.prepare_with_retries(&shutdown).await? {
            return Ok(ShutdownSummary::default());
        }
        // The relay stops after the consumers, so that it sends the messages of the last handlers.
        let relaying = CancellationToken::new();
        let relay = self.relay.clone();
        let mut relayed = tokio::spawn({
            let relaying = relaying.clone();
            async move { relay.run(relaying).await }
        });
        let pruning = tokio::spawn(prune(self.relay.database().clone()));

        let restoring = restore(self.transport, self.queues, self.provision, self.health);
        let restoring = tokio::spawn(restoring);

        let mut deadline = Instant::now();
        let stopped = async {
            shutdown.cancelled().await;
            deadline = Instant::now() + self.shutdown_timeout;
            ShutdownSummary::default()
        };
        let stopped: BoxFuture<'_, _> = stopped.boxed();
        let consuming = self.consumers.into_iter().map(|consumer| {
            let consumer = consumer.shutdown_timeout(self.shutdown_timeout);
            consumer.run(shutdown.clone()).boxed()
        });
        let all: FuturesUnordered<_> = consuming.chain([stopped]).collect();
        let summary = all.fold(ShutdownSummary::default(), |mut sum, summary| {
            sum += summary;
            ready(sum)
        });
        let summary = summary.await;
        relaying.cancel();
        if timeout_at(deadline, &mut relayed).await.is_err() {
            relayed.abort();
        }
        pruning.abort();
        restoring.abort();
        info!(%summary, "messaging stopped");
        Ok(summary)
    }

    /// Prepares the queues, and retries while SQS cannot be reached. Returns false if the shutdown
    /// comes first.
    async fn prepare_with_retries(&self, shutdown: &CancellationToken) -> Result<bool, Error> {
        let mut failures = 0;
        loop {
            let Some(prepared) = shutdown.run_until_cancelled(self.prepare()).await else {
                return Ok(false);
            };
            match prepared {
                Ok(()) => break,
                Err(error @ Error::Sqs { .. }) => self.health.fails(PREPARING, &error.line()),
                Err(error) => return Err(error),
            }
            failures += 1;
            let pause = tokio::time::sleep(Backoff::SERVER.delay(failures));
            if shutdown.run_until_cancelled(pause).await.is_none() {
                return Ok(false);
            }
        }
        self.health.works(PREPARING);
        Ok(true)
    }
}

/// The name of a check in [`Health`]. A service is not ready before its queues are prepared.
const PREPARING: &str = "preparing the queues";

/// Deletes old rows of the inbox, once per hour.
async fn prune(db: PgPool) {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    loop {
        tokio::time::sleep(HOUR).await;
        if let Ok(mut connection) = database::lend(&db).await {
            while let Ok(1..) = inbox::prune(&mut connection, inbox::RETENTION).await {}
        }
    }
}

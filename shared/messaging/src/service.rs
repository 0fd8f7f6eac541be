//! Everything that a service needs of this crate, started and stopped together.

use std::future::ready;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, StreamExt};
use sqlx::PgPool;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_layer::Layer;
use tracing::info;

use crate::consumer::Limits;
use crate::layer::{Attempt, BoxError, Handling};
use crate::restore::restore;
use crate::{
    Backoff, BatchHandler, Consumer, Drained, Error, Health, PlainHandler, Provision, QueueSpec,
    Relay, Settings, Sqs, Transport, TwoPhaseBatchHandler, inbox,
};

/// The messaging side of a service: its queues with their handlers, and the relay of its outbox.
pub struct Service {
    db: PgPool,
    transport: Transport,
    provision: Provision,
    health: Health,
    relay: Relay,
    limits: Limits,
    layers: Handling,
    /// Those that are only sent to.
    targets: Vec<QueueSpec>,
    /// Those that are read.
    queues: Vec<QueueSpec>,
    consumers: Vec<Consumer>,
}

impl Service {
    /// On SQS, found as `settings` say, or on the transport that they bring.
    ///
    /// # Errors
    /// When no region is set anywhere. Nothing is called yet.
    pub fn connect<'a>(
        db: &'a PgPool,
        settings: &'a Settings,
    ) -> BoxFuture<'a, Result<Service, Error>> {
        let connecting = async {
            let transport = match &settings.transport {
                Some(transport) => transport.clone(),
                None => Sqs::connect(settings).await?.into(),
            };
            let mut service = Service::new(db, transport);
            service.provision = settings.queues;
            service.limits.shutdown = Duration::from_secs(settings.stop_seconds);
            Ok(service)
        };
        connecting.boxed()
    }

    /// On any transport. Queues that are missing are created.
    pub fn new(db: &PgPool, transport: impl Into<Transport>) -> Service {
        let transport = transport.into();
        let health = Health::default();
        health.awaits(PREPARING);
        Service {
            db: db.clone(),
            relay: Relay::new(db.clone(), transport.clone(), health.clone()),
            transport,
            provision: Provision::Create,
            health,
            limits: Limits::default(),
            layers: Handling::default(),
            targets: vec![],
            queues: vec![],
            consumers: vec![],
        }
    }

    /// Changes the settings of the consumers that are added from here on.
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Service {
        change(&mut self.limits);
        self
    }

    /// Puts a [layer](Consumer::layer) around the handlers that are added from here on. They share
    /// it: a limit is a limit to all of them together.
    pub fn layer<L>(mut self, layer: L) -> Service
    where
        L: Layer<Handling>,
        L::Service: tower_service::Service<Attempt, Response = ()> + Clone + Send + Sync + 'static,
        <L::Service as tower_service::Service<Attempt>>::Error: Into<BoxError>,
        <L::Service as tower_service::Service<Attempt>>::Future: Send,
    {
        self.layers = self.layers.wrapped(layer);
        self
    }

    /// Names queues that are sent to and not read here, so that they are there at the start,
    /// whichever service starts first. Where queues are only checked, their dead letters are not.
    pub fn queues(mut self, specs: impl IntoIterator<Item = impl Into<QueueSpec>>) -> Service {
        self.targets.extend(specs.into_iter().map(Into::into));
        self
    }

    /// Has `handler` handle the queue's messages, each in a transaction.
    pub fn handle(self, queue: impl Into<QueueSpec>, handler: impl BatchHandler) -> Service {
        let queue = queue.into();
        let consumer = Consumer::new(
            queue.clone(),
            &self.transport,
            &self.db,
            &self.relay,
            handler,
        );
        self.consume(queue, consumer)
    }

    /// The same, with a phase before the transaction.
    pub fn handle_two_phase(
        self,
        queue: impl Into<QueueSpec>,
        handler: impl TwoPhaseBatchHandler,
    ) -> Service {
        let queue = queue.into();
        let consumer = Consumer::two_phase(
            queue.clone(),
            &self.transport,
            &self.db,
            &self.relay,
            handler,
        );
        self.consume(queue, consumer)
    }

    /// Has `handler` handle the queue's messages without a database.
    pub fn handle_plain(self, queue: impl Into<QueueSpec>, handler: impl PlainHandler) -> Service {
        let queue = queue.into();
        let consumer = Consumer::plain(queue.clone(), &self.transport, handler);
        self.consume(queue, consumer)
    }

    /// What to [wake](Relay::wake) after a commit.
    pub fn relay(&self) -> Relay {
        self.relay.clone()
    }

    /// Whether the queues can be reached, for readiness.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Creates or checks the queues, so that a wrong one stops the start and not the night.
    ///
    /// # Errors
    /// When a queue cannot be reached, is missing, or differs from its specification.
    pub async fn prepare(&self) -> Result<(), Error> {
        let targets = self
            .targets
            .iter()
            .map(|spec| self.transport.ensure_target(spec, self.provision));
        let queues = self
            .queues
            .iter()
            .map(|spec| self.transport.ensure(spec, self.provision));
        let (targets, queues) = tokio::join!(join_all(targets), join_all(queues));
        targets.into_iter().chain(queues).collect()
    }

    /// Prepares the queues, and then consumes and relays until `shutdown`. While SQS cannot be
    /// reached it waits for it, and is not [healthy](Service::health). After `shutdown` it takes
    /// no longer than [`Limits::shutdown`]; what is not sent by then stays in the outbox.
    ///
    /// # Errors
    /// When a queue is missing or differs from its specification.
    pub fn run(self, shutdown: CancellationToken) -> BoxFuture<'static, Result<Drained, Error>> {
        self.consume_and_relay(shutdown).boxed()
    }

    async fn consume_and_relay(self, shutdown: CancellationToken) -> Result<Drained, Error> {
        if !self.prepare_patiently(&shutdown).await? {
            return Ok(Drained::default());
        }
        // What the last handlers push is still sent.
        let relaying = CancellationToken::new();
        let relay = self.relay.clone();
        let mut relayed = tokio::spawn({
            let relaying = relaying.clone();
            async move { relay.run(relaying).await }
        });
        let pruning = tokio::spawn(prune(self.db.clone()));
        let restoring = restore(self.transport, self.queues, self.provision, self.health);
        let restoring = tokio::spawn(restoring);

        let consumers = self
            .consumers
            .into_iter()
            .map(|consumer| consumer.run(shutdown.clone()));
        let mut deadline = Instant::now();
        let stopped = async {
            shutdown.cancelled().await;
            deadline = Instant::now() + self.limits.shutdown;
            Drained::default()
        };
        let idle: BoxFuture<'_, _> = stopped.boxed();
        let all = consumers.map(FutureExt::boxed).chain([idle]);
        let drained = all.collect::<futures::stream::FuturesUnordered<_>>();
        let drained = drained.fold(Drained::default(), |mut sum, drained| {
            sum += drained;
            ready(sum)
        });
        let drained = drained.await;
        relaying.cancel();
        if timeout_at(deadline, &mut relayed).await.is_err() {
            relayed.abort();
        }
        pruning.abort();
        restoring.abort();
        info!(%drained, "messaging stopped");
        Ok(drained)
    }

    /// Prepares the queues as soon as SQS lets it; false when it is time to stop before that.
    async fn prepare_patiently(&self, shutdown: &CancellationToken) -> Result<bool, Error> {
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

    fn consume(mut self, queue: QueueSpec, consumer: Consumer) -> Service {
        let limits = self.limits.clone();
        let consumer = consumer.limits(|all| *all = limits);
        let consumer = consumer.layers(self.layers.clone());
        self.consumers.push(consumer.health(self.health.clone()));
        self.queues.push(queue);
        self
    }
}

/// Until this is done, a service is not ready.
const PREPARING: &str = "preparing the queues";

/// Forgets old messages of the inbox, now and then.
async fn prune(db: PgPool) {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    loop {
        tokio::time::sleep(HOUR).await;
        if let Ok(mut connection) = database::lend(&db).await {
            while let Ok(1..) = inbox::prune(&mut connection, inbox::RETENTION).await {}
        }
    }
}

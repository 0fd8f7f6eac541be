//! The consumer of a queue: stages with their own state, linked by channels.
//!
//! ```text
//! Receiver ───▶ Preparer ───▶ Transactor ───▶ Acknowledger
//!    ▲          outside of    a transaction       │
//!    │          transactions  per batch           │
//!    └────────── permits: never more in flight ───┘        Heartbeat: extends leases
//!                than can start                                       meanwhile
//! ```
//!
//! In a FIFO queue one stage, `InOrder`, replaces the second and the third.

mod acknowledge;
mod call;
mod dead_letter;
mod delete;
mod failing_deletes;
mod heartbeat;
mod in_flight;
mod in_order;
mod lease;
mod prepare;
mod queue;
mod receive;
mod stop;
mod summary;
mod transact;
mod transaction;
mod unattempted;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_layer::Layer;
use tower_service::Service;

use self::acknowledge::Acknowledger;
use self::call::Caller;
use self::failing_deletes::FailingDeletes;
use self::heartbeat::Heartbeat;
use self::in_order::InOrder;
use self::lease::Leases;
use self::prepare::Preparer;
use self::queue::Queue;
use self::receive::Receiver;
use self::stop::Stop;
use self::summary::Counters;
pub use self::summary::ShutdownSummary;
use self::transact::Transactor;
pub(crate) use self::transaction::Transactions;
use crate::handler::layer::{BoxError, HandlerCall, HandlerService};
use crate::handler::{Erased, IntoHandler, PlainHandler};
use crate::options::SHUTDOWN_TIMEOUT;
use crate::{ConsumerOptions, Health, QueueSpec, Transport};

/// The consumer of one queue, with the handler of its messages.
pub struct Consumer {
    queue: Queue,
    options: ConsumerOptions,
    shutdown_timeout: Duration,
    layers: HandlerService,
    handler: Arc<Erased>,
    transactions: Option<Arc<Transactions>>,
}

impl Consumer {
    /// Creates a consumer without a database.
    pub fn plain(
        spec: QueueSpec,
        transport: &Transport,
        handler: impl PlainHandler<Output = ()>,
    ) -> Consumer {
        Consumer::new(spec, transport, handler.into_handler(), None)
    }

    pub(crate) fn new(
        spec: QueueSpec,
        transport: &Transport,
        handler: Erased,
        transactions: Option<Transactions>,
    ) -> Consumer {
        let queue = Queue {
            spec,
            transport: transport.clone(),
            health: Health::default(),
        };
        Consumer {
            queue,
            options: ConsumerOptions::default(),
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            layers: HandlerService::default(),
            handler: Arc::new(handler),
            transactions: transactions.map(Arc::new),
        }
    }

    /// Sets the options.
    pub fn options(mut self, options: ConsumerOptions) -> Consumer {
        self.options = ConsumerOptions {
            in_flight: options.in_flight.max(1),
            ..options
        };
        self
    }

    /// Sets how long a graceful shutdown may take. Default: 30 s.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Consumer {
        self.shutdown_timeout = timeout;
        self
    }

    /// Sets the health that the consumer reports to, to share it with others of the process.
    pub fn health(mut self, health: Health) -> Consumer {
        self.queue.health = health;
        self
    }

    /// Adds a layer of [tower](https://docs.rs/tower) around the handler, such as a timeout or a
    /// limit. The last one is the outermost. [`HandlerCall`] is the request, with an
    /// [example](HandlerCall#example-a-timeout-a-limit-and-a-custom-layer).
    pub fn layer<L>(self, layer: L) -> Consumer
    where
        L: Layer<HandlerService>,
        L::Service: Service<HandlerCall, Response = ()> + Clone + Send + Sync + 'static,
        <L::Service as Service<HandlerCall>>::Error: Into<BoxError>,
        <L::Service as Service<HandlerCall>>::Future: Send,
    {
        self.layered(&HandlerService::layered(layer))
    }

    /// Adds a layer that several consumers may share.
    pub(crate) fn layered(mut self, layer: &HandlerService) -> Consumer {
        self.layers = layer.around(&self.layers);
        self
    }

    /// Consumes until `shutdown`, then completes the messages that it has received.
    pub fn run(self, shutdown: CancellationToken) -> BoxFuture<'static, ShutdownSummary> {
        self.run_stages(shutdown).boxed()
    }

    async fn run_stages(self, shutdown: CancellationToken) -> ShutdownSummary {
        let (queue, options) = (Arc::new(self.queue), self.options);
        let name: Arc<str> = queue.spec.name.as_ref().into();
        let leases = Arc::new(Leases::new(&queue.spec, &options));
        let permits = Arc::new(Semaphore::new(options.in_flight));
        let counters = Arc::new(Counters::new(name.clone()));
        let failing = Arc::new(FailingDeletes::new(&queue, leases.visibility()));
        let stop = Stop {
            begin: shutdown.child_token(),
            kill: CancellationToken::new(),
        };
        // A drop of this future stops all stages.
        let _ends = (
            stop.begin.clone().drop_guard(),
            stop.kill.clone().drop_guard(),
        );
        let caller = Arc::new(Caller {
            queue: name,
            handler: self.handler,
            layers: self.layers,
            transactions: self.transactions,
            leases: leases.clone(),
            stop: stop.clone(),
        });
        let (received, to_prepare) = mpsc::unbounded_channel();
        let (ready, to_transact) = mpsc::unbounded_channel();
        let (ended, to_acknowledge) = mpsc::unbounded_channel();

        let mut stages = JoinSet::new();
        let heartbeat = Heartbeat {
            queue: queue.clone(),
            leases: leases.clone(),
        };
        stages.spawn(heartbeat.run());
        let acknowledger = Acknowledger {
            queue: queue.clone(),
            leases: leases.clone(),
            options: options.clone(),
            counters: counters.clone(),
            failing: failing.clone(),
        };
        stages.spawn(acknowledger.run(to_acknowledge));
        if queue.is_fifo() {
            let (caller, stop) = (caller, stop.clone());
            let in_order = InOrder {
                caller,
                stop,
                ended,
            };
            stages.spawn(in_order.run(to_prepare));
        } else {
            let preparer = Preparer {
                caller: caller.clone(),
                stop: stop.clone(),
                ready,
                ended: ended.clone(),
            };
            stages.spawn(preparer.run(to_prepare));
            let transactor = Transactor {
                caller,
                stop: stop.clone(),
                concurrency: options.concurrency,
                batch: options.batch,
                ended,
            };
            stages.spawn(transactor.run(to_transact));
        }
        let in_flight = options.in_flight;
        let receiver = Receiver {
            queue,
            leases,
            failing,
            permits: permits.clone(),
            options,
            shutdown_timeout: self.shutdown_timeout,
            stop: stop.clone(),
        };
        let receiving = tokio::spawn(receiver.run(received));
        stop.begin.cancelled().await;

        let all_ended = async {
            // An error is a panic, which has printed its message.
            let _ = receiving.await;
            // A permit is held until its message is acknowledged.
            let _ = permits.acquire_many(in_flight as u32).await;
        };
        drain(all_ended, &permits, in_flight, self.shutdown_timeout, &stop).await;
        stages.shutdown().await;
        counters.summary(in_flight - permits.available_permits())
    }
}

/// Waits until all messages are acknowledged. Shortly before the deadline it cancels the handlers
/// that still run.
async fn drain(
    all_ended: impl Future<Output = ()>,
    permits: &Semaphore,
    in_flight: usize,
    shutdown_timeout: Duration,
    stop: &Stop,
) {
    let deadline = Instant::now() + shutdown_timeout;
    // Messages of cancelled handlers still have to be returned.
    let margin = (shutdown_timeout / 10).min(Duration::from_secs(2));
    if timeout_at(deadline - margin, all_ended).await.is_err() {
        stop.kill.cancel();
        let returned = permits.acquire_many(in_flight as u32);
        let _ = timeout_at(deadline, returned).await;
    }
}

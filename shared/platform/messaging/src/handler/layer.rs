//! Tower layers around handlers.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures::FutureExt;
use futures::future::{BoxFuture, poll_fn};
use tower_layer::Layer;
use tower_service::Service;
use uuid::Uuid;

use crate::Fault;
use crate::envelope::Delivery;

/// One call of a handler: the request of the services that [layers](crate::Runtime::layer) wrap.
///
/// A handler in a transaction is called once for all messages of the transaction, because the
/// transaction succeeds or fails as a whole; a [`PlainHandler`](crate::PlainHandler) is called once
/// per message.
///
/// If a layer returns `Ok` without calling the handler, the messages count as handled and are
/// deleted. Do not add a layer that retries: the queue retries, on every replica.
///
/// # Example: a timeout, a limit and a custom layer
///
/// ```
/// use std::time::Duration;
///
/// use messaging::{
///     Consumer, Destination, Fault, HandlerCall, Local, Message, Provision, QueueSpec, Transport,
///     plain_fn,
/// };
/// use serde::{Deserialize, Serialize};
/// use tokio_util::sync::CancellationToken;
/// use tower::limit::ConcurrencyLimitLayer;
/// use tower::timeout::TimeoutLayer;
///
/// #[derive(Serialize, Deserialize)]
/// struct Knock {
///     room: u32,
/// }
///
/// impl Message for Knock {
///     const KIND: &'static str = "knock";
///
///     fn destinations(&self) -> Vec<Destination> {
///         vec!["rooms".into()]
///     }
/// }
///
/// async fn open(knock: Knock) -> Result<(), Fault> {
///     match knock.room {
///         13 => std::future::pending().await, // Never ends.
///         _ => Ok(()),
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), messaging::Error> {
/// let queues = Local::new();
/// let transport = Transport::from(queues.clone());
/// let rooms = QueueSpec::new("rooms");
/// transport.ensure(&rooms, Provision::Create).await?;
/// transport.publish_all(&[Knock { room: 1 }, Knock { room: 13 }]).await?;
///
/// let consumer = Consumer::plain(rooms, &transport, plain_fn(open))
///     .layer(TimeoutLayer::new(Duration::from_secs(2)))
///     // Around the timeout, so that waiting for a permit does not count.
///     .layer(ConcurrencyLimitLayer::new(8))
///     // A custom layer, made of a function.
///     .layer(tower::util::MapRequestLayer::new(|call: HandlerCall| {
///         println!("{}: {} at once", call.queue(), call.messages().len());
///         call
///     }));
/// let stop = CancellationToken::new();
/// let running = tokio::spawn(consumer.run(stop.clone()));
/// // The message that takes too long is retried like any failure, and becomes a dead letter.
/// while queues.depth("rooms-dlq") < 1 {
///     tokio::time::sleep(Duration::from_millis(10)).await;
/// }
/// stop.cancel();
/// let summary = running.await.unwrap();
/// assert_eq!((summary.handled, summary.rejected), (1, 1));
/// # Ok(())
/// # }
/// ```
pub struct HandlerCall {
    queue: Arc<str>,
    phase: Phase,
    deliveries: Vec<Arc<Delivery>>,
    run: Run,
}

/// The part of a handler that is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The [`PlainHandler`](crate::PlainHandler) before a transaction, for one message.
    Before,
    /// The handler itself, in a transaction with inbox and outbox if it has one.
    Handle,
}

/// The metadata of a message.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a>(&'a Delivery);

/// The service inside of all layers, which calls the handler. Its errors are [`Fault`]s. An error
/// of a layer, such as a timeout, is a retry after a backoff.
#[derive(Clone, Default)]
pub struct HandlerService(Option<Arc<Layered>>);

type Run = Box<dyn FnOnce() -> BoxFuture<'static, Result<(), Fault>> + Send>;
type Layered = dyn Fn(HandlerCall) -> BoxFuture<'static, Result<(), Fault>> + Send + Sync;
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl HandlerCall {
    pub(crate) fn new<F>(
        queue: &str,
        phase: Phase,
        deliveries: Vec<Arc<Delivery>>,
        run: impl FnOnce() -> F + Send + 'static,
    ) -> HandlerCall
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        HandlerCall {
            queue: queue.into(),
            phase,
            deliveries,
            run: Box::new(|| run().boxed()),
        }
    }

    /// The queue that the messages came from, without the deployment's prefix.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// The part of the handler.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The messages that succeed or fail together. There is at least one.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = Envelope<'_>> {
        self.deliveries.iter().map(|delivery| Envelope(delivery))
    }
}

impl<'a> Envelope<'a> {
    /// The id that the inbox stores.
    pub fn id(self) -> Uuid {
        self.0.id
    }

    /// [`Message::KIND`](crate::Message::KIND), if the sender set it.
    pub fn kind(self) -> Option<&'a str> {
        self.0.kind.as_deref()
    }

    /// How often it was received, including this time.
    pub fn receive_count(self) -> u32 {
        self.0.receive_count
    }

    /// When it was sent, by the clock of the queue.
    pub fn sent_at(self) -> Option<SystemTime> {
        self.0.sent_at
    }

    /// Its ordering key, which is the message group in a FIFO queue.
    pub fn group(self) -> Option<&'a str> {
        self.0.group.as_deref()
    }
}

impl HandlerService {
    /// Makes a service of this layer around the handler of each call.
    pub(crate) fn layered<L>(layer: L) -> HandlerService
    where
        L: Layer<HandlerService>,
        L::Service: Service<HandlerCall, Response = ()> + Clone + Send + Sync + 'static,
        <L::Service as Service<HandlerCall>>::Error: Into<BoxError>,
        <L::Service as Service<HandlerCall>>::Future: Send,
    {
        let service = layer.layer(HandlerService::default());
        HandlerService(Some(Arc::new(move |call| {
            let mut service = service.clone();
            let handled = async move {
                poll_fn(|context| service.poll_ready(context)).await?;
                service.call(call).await
            };
            handled
                .map(|handled| {
                    handled.map_err(|error: <L::Service as Service<HandlerCall>>::Error| {
                        fault_of(error.into())
                    })
                })
                .boxed()
        })))
    }

    /// Puts this layer around `inner`. Consumers that share a layer share its limits.
    pub(crate) fn around(&self, inner: &HandlerService) -> HandlerService {
        if inner.is_bare() {
            return self.clone();
        }
        let (outer, inner) = (self.clone(), inner.clone());
        HandlerService(Some(Arc::new(move |call| {
            let (queue, phase, deliveries) =
                (call.queue.clone(), call.phase, call.deliveries.clone());
            let mut inner = inner.clone();
            let run: Run = Box::new(move || inner.call(call));
            outer.clone().call(HandlerCall {
                queue,
                phase,
                deliveries,
                run,
            })
        })))
    }

    /// Whether there is no layer.
    pub(crate) fn is_bare(&self) -> bool {
        self.0.is_none()
    }
}

impl Service<HandlerCall> for HandlerService {
    type Response = ();
    type Error = Fault;
    type Future = BoxFuture<'static, Result<(), Fault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: HandlerCall) -> Self::Future {
        match &self.0 {
            Some(service) => service(call),
            None => (call.run)(),
        }
    }
}

/// A fault as an error, to pass through layers.
#[derive(thiserror::Error, Debug)]
#[error("{}", .0.reason())]
struct FaultThroughLayer(Fault);

impl From<Fault> for BoxError {
    fn from(fault: Fault) -> BoxError {
        Box::new(FaultThroughLayer(fault))
    }
}

/// The handler's own fault, or a retry with the error of a layer as its reason.
fn fault_of(error: BoxError) -> Fault {
    match error.downcast::<FaultThroughLayer>() {
        Ok(through) => through.0,
        Err(error) => Fault::caused_by(&*error),
    }
}

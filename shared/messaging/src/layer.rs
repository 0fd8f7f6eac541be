//! Tower layers around the handling of messages.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures::FutureExt;
use futures::future::{BoxFuture, poll_fn};
use tower_layer::Layer;
use tower_service::Service;
use uuid::Uuid;

use crate::Fault;
use crate::transport::Delivery;

/// One call of a handler: the request of the services that [layers](crate::Consumer::layer) wrap.
///
/// A handler with a transaction is called for all the messages that share one, since the
/// transaction is what succeeds or fails; a [`PlainHandler`](crate::PlainHandler) and the phase
/// before a transaction are called for each message.
///
/// A layer that answers `Ok` in place of the handler has handled the messages: they are deleted.
/// One that retries has no place here, as the queue does that, for every replica alike.
///
/// # A timeout, a limit, and a layer of one's own
///
/// ```
/// use std::time::Duration;
///
/// use messaging::{
///     Attempt, Consumer, Destination, Fault, Local, Message, PlainHandler, Provision, QueueSpec,
///     Transport,
/// };
/// use serde::{Deserialize, Serialize};
/// use tokio_util::sync::CancellationToken;
/// use tower::limit::ConcurrencyLimitLayer;
/// use tower::timeout::TimeoutLayer;
///
/// #[derive(Serialize, Deserialize)]
/// struct Knock {
///     door: u32,
/// }
///
/// impl Message for Knock {
///     const KIND: &'static str = "knock";
///
///     fn destinations(&self) -> Vec<Destination> {
///         vec!["doors".into()]
///     }
/// }
///
/// struct Open;
///
/// impl PlainHandler for Open {
///     type Message = Knock;
///
///     async fn handle(&self, knock: Knock) -> Result<(), Fault> {
///         match knock.door {
///             13 => std::future::pending().await, // Nobody lives there.
///             _ => Ok(()),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), messaging::Error> {
/// let queues = Local::new();
/// let transport = Transport::from(queues.clone());
/// let doors = QueueSpec::new("doors");
/// transport.ensure(&doors, Provision::Create).await?;
/// transport.publish_all(&[Knock { door: 1 }, Knock { door: 13 }]).await?;
///
/// let consumer = Consumer::plain(doors, &transport, Open)
///     .layer(TimeoutLayer::new(Duration::from_secs(2)))
///     // Around the timeout, so that waiting for a turn does not count.
///     .layer(ConcurrencyLimitLayer::new(8))
///     // A layer of one's own, made of a function.
///     .layer(tower::util::MapRequestLayer::new(|attempt: Attempt| {
///         println!("{}: {} at once", attempt.queue(), attempt.messages().len());
///         attempt
///     }));
/// let stop = CancellationToken::new();
/// let running = tokio::spawn(consumer.run(stop.clone()));
/// // The one that takes too long is tried again like any other failure, and given up at last.
/// while queues.depth("doors-dlq") < 1 {
///     tokio::time::sleep(Duration::from_millis(10)).await;
/// }
/// stop.cancel();
/// let drained = running.await.unwrap();
/// assert_eq!((drained.handled, drained.rejected), (1, 1));
/// # Ok(())
/// # }
/// ```
pub struct Attempt {
    queue: Arc<str>,
    phase: Phase,
    deliveries: Vec<Arc<Delivery>>,
    run: Box<dyn FnOnce() -> BoxFuture<'static, Result<(), Fault>> + Send>,
}

/// Which part of a handler is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// [`TwoPhaseHandler::before`](crate::TwoPhaseHandler::before), for one message.
    Before,
    /// The handler itself: in a transaction with its inbox and outbox, if it has one.
    Handle,
}

/// What is known of a message without reading it.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a>(&'a Delivery);

/// The handler at the heart of all layers. Its own errors are [`Fault`]s; those of a layer, such
/// as a timeout's, make the messages come back after a backoff.
#[derive(Clone, Default)]
pub struct Handling(Option<Arc<Erased>>);

type Erased = dyn Fn(Attempt) -> BoxFuture<'static, Result<(), Fault>> + Send + Sync;
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Attempt {
    pub(crate) fn new<F>(
        queue: &str,
        phase: Phase,
        deliveries: Vec<Arc<Delivery>>,
        run: impl FnOnce() -> F + Send + 'static,
    ) -> Attempt
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        Attempt {
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

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The messages that succeed or fail together, at least one.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = Envelope<'_>> {
        self.deliveries.iter().map(|delivery| Envelope(delivery))
    }
}

impl<'a> Envelope<'a> {
    /// The id that the inbox goes by.
    pub fn id(self) -> Uuid {
        self.0.id
    }

    /// [`Message::KIND`](crate::Message::KIND), if the sender said it.
    pub fn kind(self) -> Option<&'a str> {
        self.0.kind.as_deref()
    }

    /// How often it was received, this time included.
    pub fn receive_count(self) -> u32 {
        self.0.receive_count
    }

    pub fn sent_at(self) -> Option<SystemTime> {
        self.0.sent_at
    }

    /// Its ordering key.
    pub fn group(self) -> Option<&'a str> {
        self.0.group.as_deref()
    }
}

impl Handling {
    /// Around everything that is there already.
    pub(crate) fn wrapped<L>(self, layer: L) -> Handling
    where
        L: Layer<Handling>,
        L::Service: Service<Attempt, Response = ()> + Clone + Send + Sync + 'static,
        <L::Service as Service<Attempt>>::Error: Into<BoxError>,
        <L::Service as Service<Attempt>>::Future: Send,
    {
        let service = layer.layer(self);
        Handling(Some(Arc::new(move |attempt| {
            let mut service = service.clone();
            let handled = async move {
                poll_fn(|context| service.poll_ready(context)).await?;
                service.call(attempt).await
            };
            handled
                .map(|handled| {
                    handled.map_err(|error: <L::Service as Service<Attempt>>::Error| {
                        fault_of(error.into())
                    })
                })
                .boxed()
        })))
    }

    /// Whether there is any layer.
    pub(crate) fn is_bare(&self) -> bool {
        self.0.is_none()
    }
}

impl Service<Attempt> for Handling {
    type Response = ();
    type Error = Fault;
    type Future = BoxFuture<'static, Result<(), Fault>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        match &self.0 {
            Some(service) => service(attempt),
            None => (attempt.run)(),
        }
    }
}

/// How a fault passes through layers that know nothing but errors.
#[derive(thiserror::Error, Debug)]
#[error("{}", .0.reason())]
struct Passing(Fault);

impl From<Fault> for BoxError {
    fn from(fault: Fault) -> BoxError {
        Box::new(Passing(fault))
    }
}

/// The handler's own fault, if it is one that passed; or else the layer's error, tried again.
fn fault_of(error: BoxError) -> Fault {
    match error.downcast::<Passing>() {
        Ok(passing) => passing.0,
        Err(error) => Fault::caused_by(&*error),
    }
}

//! The three kinds of handler: in a transaction, with a phase before it, and without a database;
//! the first two for one message at a time or for many.

use sqlx::PgConnection;

use crate::{Fault, Message, trace};

/// Does its work in a transaction of the runtime's.
///
/// The runtime opens the transaction, notes the message in the inbox, calls the handler, commits,
/// wakes the relay and only then deletes the message from its queue. So the handler's rows, the
/// inbox's and the outbox's are there together or not at all.
///
/// Messages that were received together share one transaction. When one of them fails, it is
/// rolled back and each gets a transaction of its own, so a handler may be called again for a
/// message whose first effects never happened: it keeps no state outside of `tx`.
pub trait Handler: Send + Sync + 'static {
    type Message: Message;

    /// Handles one message.
    fn handle(
        &self,
        tx: &mut PgConnection,
        message: Self::Message,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A [`Handler`] that does the work of many messages in one statement, or locks rows in one order
/// for all of them.
///
/// Every handler is one of these, a message after the other. Then two transactions that lock the
/// same rows in different orders wait for each other until Postgres ends one of them.
pub trait BatchHandler: Send + Sync + 'static {
    type Message: Message;

    /// Handles messages that share a transaction, at least one. A fault means that none is done.
    fn handle_batch(
        &self,
        tx: &mut PgConnection,
        messages: Vec<Self::Message>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Does something outside first, such as a call to a third party, so that no lock waits for it.
pub trait TwoPhaseHandler: Send + Sync + 'static {
    type Message: Message;
    /// What the first phase found out.
    type Outside: Clone + Send + Sync + 'static;

    /// Outside of every transaction, and for up to [`in_flight`](crate::Consumer::in_flight)
    /// messages at once. It must be idempotent: it is called again on every redelivery.
    fn before(
        &self,
        message: &Self::Message,
    ) -> impl Future<Output = Result<Self::Outside, Fault>> + Send;

    /// In the transaction, like [`Handler::handle`].
    fn handle(
        &self,
        tx: &mut PgConnection,
        message: Self::Message,
        outside: Self::Outside,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// To a [`TwoPhaseHandler`] what a [`BatchHandler`] is to a [`Handler`].
pub trait TwoPhaseBatchHandler: Send + Sync + 'static {
    type Message: Message;
    /// What the first phase found out.
    type Outside: Clone + Send + Sync + 'static;

    /// For each message by itself, like [`TwoPhaseHandler::before`].
    fn before(
        &self,
        message: &Self::Message,
    ) -> impl Future<Output = Result<Self::Outside, Fault>> + Send;

    /// In the transaction, like [`BatchHandler::handle_batch`].
    fn handle_batch(
        &self,
        tx: &mut PgConnection,
        messages: Vec<(Self::Message, Self::Outside)>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

impl<H: Handler> BatchHandler for H {
    type Message = H::Message;

    async fn handle_batch(
        &self,
        tx: &mut PgConnection,
        messages: Vec<H::Message>,
    ) -> Result<(), Fault> {
        for (n, message) in messages.into_iter().enumerate() {
            trace::nth(n, self.handle(&mut *tx, message)).await?;
        }
        Ok(())
    }
}

impl<H: TwoPhaseHandler> TwoPhaseBatchHandler for H {
    type Message = H::Message;
    type Outside = H::Outside;

    async fn before(&self, message: &H::Message) -> Result<H::Outside, Fault> {
        TwoPhaseHandler::before(self, message).await
    }

    async fn handle_batch(
        &self,
        tx: &mut PgConnection,
        messages: Vec<(H::Message, H::Outside)>,
    ) -> Result<(), Fault> {
        for (n, (message, outside)) in messages.into_iter().enumerate() {
            trace::nth(n, self.handle(&mut *tx, message, outside)).await?;
        }
        Ok(())
    }
}

/// Does its work without a database. There is no inbox, so a message handled twice must do no
/// harm.
///
/// ```
/// use std::time::Duration;
///
/// use messaging::{
///     Consumer, Destination, Fault, Local, Message, PlainHandler, Provision, QueueSpec, Transport,
/// };
/// use serde::{Deserialize, Serialize};
/// use tokio_util::sync::CancellationToken;
///
/// #[derive(Serialize, Deserialize)]
/// struct Ring(u32);
///
/// impl Message for Ring {
///     const KIND: &'static str = "ring";
///
///     fn destinations(&self) -> Vec<Destination> {
///         vec!["bells".into()]
///     }
/// }
///
/// struct Bell;
///
/// impl PlainHandler for Bell {
///     type Message = Ring;
///
///     async fn handle(&self, Ring(times): Ring) -> Result<(), Fault> {
///         match times {
///             0 => Err(Fault::reject("that is no ringing")),
///             1 => Err(Fault::retry_after(Duration::from_millis(10), "not loud enough")),
///             _ => Ok(()),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), messaging::Error> {
/// let queues = Local::new();
/// let transport = Transport::from(queues.clone());
/// let bells = QueueSpec::new("bells");
/// transport.ensure(&bells, Provision::Create).await?;
/// transport.publish_all(&[Ring(0), Ring(1), Ring(2)]).await?;
///
/// let stop = CancellationToken::new();
/// let running = tokio::spawn(Consumer::plain(bells, &transport, Bell).run(stop.clone()));
/// // The one is rejected at once; the other is given up after five attempts.
/// while queues.depth("bells-dlq") < 2 {
///     tokio::task::yield_now().await;
/// }
/// stop.cancel();
/// assert_eq!(running.await.unwrap().handled, 1);
/// # Ok(())
/// # }
/// ```
pub trait PlainHandler: Send + Sync + 'static {
    type Message: Message;

    fn handle(&self, message: Self::Message) -> impl Future<Output = Result<(), Fault>> + Send;
}

//! The three kinds of handler: in a transaction, with a phase before it, and without a database.

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

    /// Handles messages that share a transaction. A fault means that none of them is done.
    ///
    /// Override it to do the work of many in one statement, or to lock rows in one order for all
    /// of them: by default it is one message after the other, and two transactions that lock the
    /// same rows in different orders wait for each other until Postgres ends one of them.
    fn handle_batch(
        &self,
        tx: &mut PgConnection,
        messages: Vec<Self::Message>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        async {
            for (n, message) in messages.into_iter().enumerate() {
                trace::nth(n, self.handle(&mut *tx, message)).await?;
            }
            Ok(())
        }
    }
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

    /// In the transaction, like [`Handler::handle_batch`].
    fn handle_batch(
        &self,
        tx: &mut PgConnection,
        messages: Vec<(Self::Message, Self::Outside)>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        async {
            for (n, (message, outside)) in messages.into_iter().enumerate() {
                trace::nth(n, self.handle(&mut *tx, message, outside)).await?;
            }
            Ok(())
        }
    }
}

/// Does its work without a database. There is no inbox, so a message handled twice must do no
/// harm.
pub trait PlainHandler: Send + Sync + 'static {
    type Message: Message;

    fn handle(&self, message: Self::Message) -> impl Future<Output = Result<(), Fault>> + Send;
}

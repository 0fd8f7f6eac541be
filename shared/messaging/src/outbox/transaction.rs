//! A transaction that sends: what a handler has, for code that is called by no message.

use std::ops::{Deref, DerefMut};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgConnection;

use super::{LEASE, Mark, Row, insert, rows};
use crate::relay::Source;
use crate::{Error, Message, Relay};

/// A transaction whose messages are written down by one statement when it commits, and sent at
/// once after that. Dropped without a commit, it is rolled back and sends nothing.
///
/// ```no_run
/// # use messaging::{Destination, Error, Message, Relay};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct ParcelLost;
/// # impl Message for ParcelLost {
/// #     const KIND: &'static str = "parcel-lost";
/// #     fn destinations(&self) -> Vec<Destination> { vec!["refunds".into()] }
/// # }
/// # async fn lose(relay: &Relay) -> Result<(), Error> {
/// let mut tx = relay.begin().await?;
/// sqlx::query("update parcels set lost = true").execute(&mut *tx).await?;
/// tx.push(&ParcelLost)?;
/// tx.commit().await
/// # }
/// ```
pub struct Transaction<'r> {
    tx: database::Transaction,
    relay: &'r Relay,
    pushed: Vec<Row>,
    begun: Mark,
}

impl Relay {
    /// Begins a transaction on the database of the outbox.
    ///
    /// # Errors
    /// When the database fails.
    pub fn begin(&self) -> BoxFuture<'_, Result<Transaction<'_>, Error>> {
        let beginning = async {
            Ok(Transaction {
                tx: database::begin(self.database()).await?,
                relay: self,
                pushed: vec![],
                begun: Mark::now(),
            })
        };
        beginning.boxed()
    }
}

impl<'r> Transaction<'r> {
    /// Promises to send `message` to all of its destinations if, and only if, this commits.
    ///
    /// # Errors
    /// When the message cannot be written as JSON, no queue would take it, or a delay is over 10
    /// years.
    pub fn push<M: Message>(&mut self, message: &M) -> Result<(), Error> {
        self.pushed.extend(rows(message)?);
        Ok(())
    }

    /// Commits, and has what was pushed sent.
    ///
    /// # Errors
    /// When the database fails. Then nobody knows whether it committed; if it did, the messages
    /// are in the outbox and will be sent.
    pub fn commit(mut self) -> BoxFuture<'r, Result<(), Error>> {
        let committing = async move {
            let pushed = insert(&mut self.tx, self.pushed, LEASE).await?;
            self.tx.commit().await?;
            self.relay.hand_over(pushed, Source::Request);
            // What was pushed in a savepoint, or by `outbox::push`, is in the table alone.
            if self.begun.is_passed() {
                self.relay.wake();
            }
            Ok(())
        };
        committing.boxed()
    }
}

impl Deref for Transaction<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

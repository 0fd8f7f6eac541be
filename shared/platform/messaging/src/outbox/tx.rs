//! The transaction of a handler or a request.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use database::{Connection, Transaction};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgConnection;
use sqlx::postgres::PgTransactionManager;
use sqlx_core::transaction::TransactionManager as _;

use super::insert::{LEASE, insert};
use super::{Direct, Outbox, Row, Source, rows};
use crate::trace::TraceParent;
use crate::{Error, Message};

/// A transaction that sends messages: SQL by deref, messages by [`push`](Tx::push).
///
/// Messages are written by one statement when it commits, in the order in which they were pushed,
/// and sent after that. Dropped without a commit, it is rolled back and sends nothing.
///
/// A [`Handler`](crate::Handler) is given one and the runtime commits it; a request begins and
/// commits one of its own:
///
/// ```no_run
/// # use messaging::{Destination, Error, Message, Outbox};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct ParcelLost;
/// # impl Message for ParcelLost {
/// #     const KIND: &'static str = "parcel-lost";
/// #     fn destinations(&self) -> Vec<Destination> { vec!["refunds".into()] }
/// # }
/// # async fn lose(outbox: &Outbox) -> Result<(), Error> {
/// let mut tx = outbox.begin().await?;
/// sqlx::query("update parcels set lost = true").execute(&mut *tx).await?;
/// tx.push(&ParcelLost)?;
/// tx.commit().await
/// # }
/// ```
pub struct Tx {
    transaction: Transaction,
    pushed: Vec<Row>,
    trace: Option<TraceParent>,
    direct: Option<Direct>,
    source: Source,
}

/// A part of a transaction that can be rolled back by itself; it is used like the [`Tx`] it is in.
///
/// What is pushed in it keeps its place among the messages of the transaction: after what was
/// pushed before it, and before what is pushed later. Dropped without a commit, it is rolled back,
/// and what was pushed in it is not sent.
pub struct Savepoint<'t> {
    tx: &'t mut Tx,
    pushed_before: usize,
    is_open: bool,
}

impl Tx {
    pub(super) fn new(
        transaction: Transaction,
        outbox: &Outbox,
        source: Source,
        trace: Option<TraceParent>,
    ) -> Tx {
        Tx {
            transaction,
            pushed: vec![],
            trace,
            direct: outbox.direct.clone(),
            source,
        }
    }

    /// Promises to send `message` to all of its destinations if, and only if, this commits.
    ///
    /// # Errors
    /// When the message cannot be written as JSON, no queue would take it, or a delay is over 10
    /// years.
    pub fn push<M: Message>(&mut self, message: &M) -> Result<(), Error> {
        self.pushed.extend(rows(message, self.trace)?);
        Ok(())
    }

    /// Begins a part that can be rolled back by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn savepoint(&mut self) -> Result<Savepoint<'_>, Error> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a savepoint, within a transaction"
        )]
        PgTransactionManager::begin(self, None).await?;
        Ok(Savepoint {
            pushed_before: self.pushed.len(),
            tx: self,
            is_open: true,
        })
    }

    /// Commits, and has what was pushed sent.
    ///
    /// # Errors
    /// When the database fails. Whether it committed is unknown then; if it did, the messages are
    /// in the outbox and will be sent.
    pub fn commit(self) -> BoxFuture<'static, Result<(), Error>> {
        async { self.commit_and_keep().await.map(drop) }.boxed()
    }

    /// Commits, and returns the connection for the next transaction.
    pub(crate) async fn commit_and_keep(self) -> Result<Connection, Error> {
        let Tx {
            mut transaction,
            pushed,
            direct,
            source,
            ..
        } = self;
        let lease = direct.as_ref().map_or(Duration::ZERO, |_| LEASE);
        let written = insert(&mut transaction, pushed, lease).await?;
        let connection = transaction.commit_and_keep().await?;
        if let Some(direct) = direct {
            direct.send(written, source);
        }
        Ok(connection)
    }

    /// Takes everything back. A drop does the same, without an answer.
    ///
    /// # Errors
    /// When the database fails. The transaction is rolled back in any case.
    pub async fn rollback(self) -> Result<(), Error> {
        Ok(self.transaction.rollback().await?)
    }

    /// What is pushed from here on belongs to this trace.
    pub(crate) fn continue_trace(&mut self, trace: Option<TraceParent>) {
        self.trace = trace;
    }
}

impl Savepoint<'_> {
    /// Keeps what was done and pushed in it, as a part of the transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(mut self) -> Result<(), Error> {
        PgTransactionManager::commit(self.tx).await?;
        self.is_open = false;
        Ok(())
    }

    /// Takes back what was done and pushed in it. A drop does the same, without an answer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rollback(mut self) -> Result<(), Error> {
        PgTransactionManager::rollback(self.tx).await?;
        self.is_open = false;
        self.tx.pushed.truncate(self.pushed_before);
        Ok(())
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.tx.pushed.truncate(self.pushed_before);
            // Sent to the server before the next statement.
            PgTransactionManager::start_rollback(self.tx);
        }
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

impl Deref for Savepoint<'_> {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        self.tx
    }
}

impl DerefMut for Savepoint<'_> {
    fn deref_mut(&mut self) -> &mut Tx {
        self.tx
    }
}

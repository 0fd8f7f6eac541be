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
use crate::{Drill, Error, Message, drill};

/// A transaction that sends messages: SQL by deref, messages by [`push`](Tx::push).
///
/// On commit one statement writes the messages, in the order of the pushes; they are sent
/// afterwards. A drop without a commit rolls it back and sends nothing.
///
/// A [`Handler`](crate::Handler) gets a `Tx` that the runtime commits. A request begins and commits
/// its own:
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
    drill: Drill,
}

/// A savepoint: a part of a transaction that can be rolled back by itself. It is used like the
/// [`Tx`].
///
/// Its messages keep their place in the transaction: after those pushed before it, and before those
/// pushed later. A drop without a commit rolls it back, and its messages are not sent.
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
            drill: outbox.drill,
        }
    }

    /// Pushes `message`: it is sent to all of its destinations if, and only if, the transaction
    /// commits.
    ///
    /// # Errors
    /// When the message cannot be serialized as JSON, no queue would accept it, or a delay is over
    /// 10 years.
    pub fn push<M: Message>(&mut self, message: &M) -> Result<(), Error> {
        let mut rows = rows(message, self.trace)?;
        if self.drill == Drill::NewField {
            rows.iter_mut()
                .for_each(|row| drill::add_field(&mut row.outgoing.body));
        }
        self.pushed.extend(rows);
        Ok(())
    }

    /// Begins a savepoint.
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

    /// Commits, and lets the relay send the messages.
    ///
    /// # Errors
    /// When the database fails. It is then unknown whether the transaction has committed. If it
    /// has, the messages are in the outbox and will be sent.
    pub fn commit(self) -> BoxFuture<'static, Result<(), Error>> {
        async { self.commit_and_keep().await.map(drop) }.boxed()
    }

    /// Commits, and keeps the connection for the next transaction.
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

    /// Rolls back. A drop does the same without waiting.
    ///
    /// # Errors
    /// When the database fails. The transaction is rolled back in any case.
    pub async fn rollback(self) -> Result<(), Error> {
        Ok(self.transaction.rollback().await?)
    }

    /// Sets the trace of the messages that are pushed from now on.
    pub(crate) fn continue_trace(&mut self, trace: Option<TraceParent>) {
        self.trace = trace;
    }
}

impl Savepoint<'_> {
    /// Keeps its changes and messages as a part of the transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(mut self) -> Result<(), Error> {
        PgTransactionManager::commit(self.tx).await?;
        self.is_open = false;
        Ok(())
    }

    /// Rolls back its changes and messages. A drop does the same without waiting.
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
            // sqlx sends the rollback before the next statement.
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

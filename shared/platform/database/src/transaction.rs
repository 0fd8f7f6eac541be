//! Transactions, which begin here and nowhere else.

use std::ops::{Deref, DerefMut};

use sqlx::{Connection as _, Error, PgConnection, PgPool, Postgres};
use sqlx_core::database::Database;
use sqlx_core::transaction::TransactionManager;
use trace_context::spans;
use tracing::Span;

use crate::{Connection, lend};

type Manager = <Postgres as Database>::TransactionManager;

/// Begins a transaction on a connection of the pool.
///
/// If it fails or is dropped half-way, the connection is closed: `BEGIN` may have been sent, and
/// sqlx would lend the connection again inside the transaction (transact-rs/sqlx#4385).
///
/// # Errors
/// When no connection is free, or the server fails.
pub async fn begin(db: &PgPool) -> Result<Transaction, Error> {
    lend(db).await?.begin().await
}

/// A transaction. A drop without [`commit`](Transaction::commit) rolls it back and returns its
/// connection.
#[derive(Debug)]
#[must_use = "dropped, it is rolled back"]
pub struct Transaction {
    connection: Option<Connection>,
    /// Ends with the transaction.
    _span: Span,
}

/// A connection on which `BEGIN` is outstanding. A drop closes it.
struct Beginning(Option<Connection>);

impl Connection {
    /// Begins a transaction on this connection, as [`begin`] does on one of the pool.
    ///
    /// # Errors
    /// When the server fails. Then the connection is closed.
    pub async fn begin(self) -> Result<Transaction, Error> {
        let (span, mut beginning) = (span(), Beginning(Some(self)));
        let connection = beginning.0.as_mut().expect("it is taken only below");
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that begins"
        )]
        Manager::begin(connection, None).await?;
        Ok(Transaction {
            connection: beginning.0.take(),
            _span: span,
        })
    }
}

/// The span of a transaction, if spans are exported.
fn span() -> Span {
    let span = spans::of_call("transaction");
    span.record("db.system.name", "postgresql");
    span
}

impl Transaction {
    /// Commits, and returns the connection to the pool.
    ///
    /// # Errors
    /// When the server fails. Unless the error comes from the database itself, it is then unknown
    /// whether the transaction has committed.
    pub async fn commit(self) -> Result<(), Error> {
        self.commit_and_keep().await.map(drop)
    }

    /// Commits, and keeps the connection for the next transaction.
    ///
    /// # Errors
    /// As [`commit`](Transaction::commit).
    pub async fn commit_and_keep(mut self) -> Result<Connection, Error> {
        if Manager::get_transaction_depth(&self) != 1 {
            // A savepoint that was dropped half-way has ended the whole transaction, or one is
            // open.
            return Err(Error::Protocol(
                "a savepoint has ended the transaction or is still open: nothing to commit"
                    .to_owned(),
            ));
        }
        Manager::commit(&mut self).await?;
        Ok(self.take())
    }

    /// Rolls back, and returns the connection to the pool. A drop does the same without waiting.
    ///
    /// # Errors
    /// When the server fails. The transaction is rolled back in any case.
    pub async fn rollback(mut self) -> Result<(), Error> {
        Manager::rollback(&mut self).await?;
        drop(self.take());
        Ok(())
    }

    fn take(&mut self) -> Connection {
        self.connection
            .take()
            .expect("only commit, rollback or drop takes it, and each ends it")
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // The rollback is sent when the connection is returned, after outstanding answers. More
            // than one is needed only if a savepoint was leaked.
            while connection.is_in_transaction() {
                Manager::start_rollback(&mut connection);
            }
        }
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.close_now();
        }
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection
            .as_ref()
            .expect("only commit, rollback or drop takes it, and each ends it")
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection
            .as_mut()
            .expect("only commit, rollback or drop takes it, and each ends it")
    }
}

//! Beginning a transaction, which is done here and nowhere else.

use std::ops::{Deref, DerefMut};

use sqlx::{Connection as _, Error, PgConnection, PgPool, Postgres};
use sqlx_core::database::Database;
use sqlx_core::transaction::TransactionManager;

use crate::{Connection, lend};

type Manager = <Postgres as Database>::TransactionManager;

/// Begins a transaction on a connection of the pool.
///
/// Dropped half-way, or failed, it closes the connection: `BEGIN` may have been sent, and sqlx
/// would lend the connection again inside the transaction (transact-rs/sqlx#4385).
///
/// # Errors
/// When no connection is free, or the server fails.
pub async fn begin(db: &PgPool) -> Result<Transaction, Error> {
    lend(db).await?.begin().await
}

/// A transaction. Dropped without [`commit`](Transaction::commit), it is rolled back while its
/// connection is given back.
#[derive(Debug)]
#[must_use = "dropped, it is rolled back"]
pub struct Transaction {
    connection: Option<Connection>,
}

/// A connection on which `BEGIN` is under way, closed when dropped.
struct Beginning(Option<Connection>);

impl Connection {
    /// Begins a transaction on a connection that is at hand already; the same as [`begin`].
    ///
    /// # Errors
    /// When the server fails. The connection is closed then.
    pub async fn begin(self) -> Result<Transaction, Error> {
        let mut beginning = Beginning(Some(self));
        let connection = beginning.0.as_mut().expect("it was put there");
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that begins"
        )]
        Manager::begin(connection, None).await?;
        Ok(Transaction {
            connection: beginning.0.take(),
        })
    }
}

impl Transaction {
    /// Commits, and gives the connection back.
    ///
    /// # Errors
    /// When the server fails. Whether it committed is unknown then, unless the error is one of the
    /// database.
    pub async fn commit(self) -> Result<(), Error> {
        self.commit_and_keep().await.map(drop)
    }

    /// Commits, and returns the connection for the next transaction.
    ///
    /// # Errors
    /// As [`commit`](Transaction::commit).
    pub async fn commit_and_keep(mut self) -> Result<Connection, Error> {
        if Manager::get_transaction_depth(&self) != 1 {
            // A savepoint that was dropped half-way has ended all of it, or one is still open.
            return Err(Error::Protocol(
                "the transaction is not as it was begun: nothing to commit".to_owned(),
            ));
        }
        Manager::commit(&mut self).await?;
        Ok(self.take())
    }

    /// Rolls back, and gives the connection back. A drop does the same without an answer.
    ///
    /// # Errors
    /// When the server fails. The transaction is rolled back in any case.
    pub async fn rollback(mut self) -> Result<(), Error> {
        Manager::rollback(&mut self).await?;
        drop(self.take());
        Ok(())
    }

    fn take(&mut self) -> Connection {
        self.connection.take().expect("only its end takes it")
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // Sent when the connection is given back, behind what is outstanding. More than once
            // only if a savepoint was leaked.
            while connection.is_in_transaction() {
                Manager::start_rollback(&mut connection);
            }
        }
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.throw_away();
        }
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("only its end takes it")
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("only its end takes it")
    }
}

//! Lending of a connection, and its return to the pool.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Error, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

use crate::timeouts::ACQUIRE;

/// How long a returned connection may take to send its outstanding answers: 3 s. A statement may
/// wait for a lock for 2 s ([`LOCK`](crate::timeouts::LOCK)), plus a round trip.
pub const RETURN_TIMEOUT: Duration = Duration::from_secs(3);

/// Limits how many connections are still awaited after their callers gave up, in all pools of this
/// process: 16, twice the default size of a pool.
static OPENING: Semaphore = Semaphore::const_new(16);

/// Lends a connection for statements that each commit by themselves.
///
/// # Errors
/// When no connection is free within [`ACQUIRE`], or the server cannot be reached.
pub async fn lend(db: &PgPool) -> Result<Connection, Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that acquires"
    )]
    let mut acquiring = Box::pin(db.acquire());
    match timeout(ACQUIRE, &mut acquiring).await {
        Ok(acquired) => Ok(Connection(Some(acquired?))),
        Err(_) => {
            // After a crash of the server, all connections are opened anew, and callers wait in
            // line. If each gave up while its own is being opened, none would ever be open.
            if let Ok(permit) = OPENING.try_acquire() {
                tokio::spawn(async move { drop((acquiring.await, permit)) });
            }
            Err(Error::PoolTimedOut)
        }
    }
}

/// A lent connection. A drop returns it to the pool, in a task of its own, which waits up to
/// [`RETURN_TIMEOUT`] for outstanding answers and closes the connection if they do not arrive.
#[derive(Debug)]
pub struct Connection(Option<PoolConnection<Postgres>>);

impl Connection {
    /// Closes the connection now, without waiting for the server; the pool opens another. Postgres
    /// rolls back an open transaction when it sees the end of the connection.
    pub fn close_now(mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            drop(connection.detach());
            return;
        };
        // This future owns the connection. If it is dropped unfinished, it closes the connection
        // and frees its place in the pool. It is large, so it is moved on the heap once.
        let returning = Box::pin(connection.return_to_pool());
        runtime.spawn(async move {
            if timeout(RETURN_TIMEOUT, returning).await.is_err() {
                warn!("closed a connection that did not answer when it was returned to the pool");
            }
        });
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0
            .as_ref()
            .expect("only its drop or `close_now` takes it, and both end it")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0
            .as_mut()
            .expect("only its drop or `close_now` takes it, and both end it")
    }
}

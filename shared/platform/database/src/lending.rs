//! Lending a connection, and what happens to it afterwards.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Error, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing::warn;

/// How long a connection may take to answer what is outstanding when it is given back. It is as
/// long as a statement may wait for a lock ([`LOCK`](crate::timeouts::LOCK)) and a round trip.
pub const GIVE_BACK: Duration = Duration::from_secs(3);

/// Lends a connection for statements that each commit by themselves.
///
/// # Errors
/// When none is free within the pool's time limit, or the server cannot be reached.
pub async fn lend(db: &PgPool) -> Result<Connection, Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that acquires"
    )]
    let connection = db.acquire().await?;
    Ok(Connection(Some(connection)))
}

/// A connection that was lent. Dropped, it is given back: in a task of its own, which waits up to
/// [`GIVE_BACK`] for outstanding answers and closes the connection if they do not come.
#[derive(Debug)]
pub struct Connection(Option<PoolConnection<Postgres>>);

impl Connection {
    /// Closes the connection now, without waiting for the server; the pool opens another. Postgres
    /// rolls an open transaction back when it sees the end of the connection.
    pub fn throw_away(mut self) {
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
        // Holds the connection from here on: dropped unfinished, it closes it and frees its place.
        let returning = connection.return_to_pool();
        runtime.spawn(async move {
            if timeout(GIVE_BACK, returning).await.is_err() {
                warn!("closed a connection that did not answer when it was given back");
            }
        });
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.as_ref().expect("only a drop takes it")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("only a drop takes it")
    }
}

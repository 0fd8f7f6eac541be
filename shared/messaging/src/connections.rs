//! A consumer's own connection: the next transaction takes up the one that the last has left.
//!
//! The pool asks a connection whether it is well each time it is given back, which is a round trip
//! for each transaction. A consumer that is at work has no need of it: its last commit said so.

use std::sync::{Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::{Error, PgPool, Postgres};
use tokio::time::{Duration, Instant};

/// A connection that rested longer than this goes back to the pool, which tries it first.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// A pool, and the connection that was used last.
pub(crate) struct Connections {
    pool: PgPool,
    kept: Mutex<Option<(PoolConnection<Postgres>, Instant)>>,
}

impl Connections {
    pub(crate) fn new(pool: &PgPool) -> Connections {
        Connections {
            pool: pool.clone(),
            kept: Mutex::default(),
        }
    }

    pub(crate) async fn take(&self) -> Result<PoolConnection<Postgres>, Error> {
        let kept = self.kept().take();
        match kept {
            Some((connection, since)) if since.elapsed() < TRUSTED_FOR => Ok(connection),
            _ => self.pool.acquire().await,
        }
    }

    /// Keeps a connection that has just committed, unless there is one already. One that failed
    /// is dropped by its user and goes the pool's way.
    pub(crate) fn keep(&self, connection: PoolConnection<Postgres>) {
        self.kept()
            .get_or_insert_with(|| (connection, Instant::now()));
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<(PoolConnection<Postgres>, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The connection of a consumer, which passes from one transaction to the next.
//!
//! sqlx pings each connection that is returned to the pool, a round trip per transaction. Under
//! load the last commit has just shown that the connection works. An idle consumer returns its
//! connection, and so does one whose pool has no other free connection. See `docs/adr/0014`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use database::Connection;
use sqlx::{Error, PgPool};
use tokio::time::{Duration, Instant, sleep_until};

/// A connection that is idle for longer than this returns to the pool: 500 ms. Under load the next
/// transaction begins long before that.
const IDLE_LIMIT: Duration = Duration::from_millis(500);

/// A pool, and the connection of the last transaction.
pub(crate) struct Connections {
    pool: PgPool,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    connection: Option<(Connection, Instant)>,
    /// Whether a task waits to return it.
    watched: bool,
}

impl Connections {
    pub(crate) fn new(pool: &PgPool) -> Connections {
        Connections {
            pool: pool.clone(),
            kept: Arc::default(),
        }
    }

    /// Takes the kept connection, or one of the pool.
    pub(crate) async fn take(&self) -> Result<Connection, Error> {
        let kept = lock(&self.kept).connection.take();
        match kept {
            Some((connection, since)) if since.elapsed() < IDLE_LIMIT => Ok(connection),
            idle => {
                // Dropped first, because it may be the only connection of the pool.
                drop(idle);
                database::lend(&self.pool).await
            }
        }
    }

    /// Keeps a connection that has just committed, unless one is kept already or others may wait
    /// for it. A connection that failed is not kept, and its drop returns it to the pool.
    pub(crate) fn keep(&self, connection: Connection) {
        let max = self.pool.options().get_max_connections();
        let is_last = self.pool.num_idle() == 0 && self.pool.size() >= max;
        let mut kept = lock(&self.kept);
        if is_last || kept.connection.is_some() {
            return;
        }
        kept.connection = Some((connection, Instant::now()));
        if !std::mem::replace(&mut kept.watched, true) {
            tokio::spawn(return_when_idle(Arc::downgrade(&self.kept)));
        }
    }
}

/// Returns the connection to the pool when it is idle for too long, and ends when there is none.
async fn return_when_idle(kept: Weak<Mutex<Kept>>) {
    let mut idle_at = Instant::now() + IDLE_LIMIT;
    loop {
        sleep_until(idle_at).await;
        // The owner was dropped, which returned the connection.
        let Some(kept) = kept.upgrade() else { return };
        let mut kept = lock(&kept);
        match &kept.connection {
            Some((_, since)) if since.elapsed() < IDLE_LIMIT => idle_at = *since + IDLE_LIMIT,
            _ => {
                kept.connection = None;
                kept.watched = false;
                return;
            }
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

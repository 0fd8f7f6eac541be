//! A consumer's own connection: the next transaction takes up the one that the last has left.
//!
//! The pool asks a connection whether it is well each time it is given back, which is a round trip
//! for each transaction. A consumer that is at work has no need of it: its last commit said so.
//! One that rests gives it back, and so does one whose pool has no other for anybody else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use database::Connection;
use sqlx::{Error, PgPool};
use tokio::time::{Duration, Instant, sleep_until};

/// A connection that rested longer than this goes back to the pool: under load the next
/// transaction begins well before that.
const REST: Duration = Duration::from_millis(500);

/// A pool, and the connection that was used last.
pub(crate) struct Connections {
    pool: PgPool,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    connection: Option<(Connection, Instant)>,
    /// Whether a task is waiting to see if it rests.
    watched: bool,
}

impl Connections {
    pub(crate) fn new(pool: &PgPool) -> Connections {
        Connections {
            pool: pool.clone(),
            kept: Arc::default(),
        }
    }

    pub(crate) async fn take(&self) -> Result<Connection, Error> {
        let kept = lock(&self.kept).connection.take();
        match kept {
            Some((connection, since)) if since.elapsed() < REST => Ok(connection),
            rested => {
                // First: it may be the one that is waited for.
                drop(rested);
                database::lend(&self.pool).await
            }
        }
    }

    /// Keeps a connection that has just committed for a while, unless there is one already or
    /// others may wait for it. One that failed is dropped by its user and goes the pool's way.
    pub(crate) fn keep(&self, connection: Connection) {
        let most = self.pool.options().get_max_connections();
        let is_last = self.pool.num_idle() == 0 && self.pool.size() >= most;
        let mut kept = lock(&self.kept);
        if is_last || kept.connection.is_some() {
            return;
        }
        kept.connection = Some((connection, Instant::now()));
        if !std::mem::replace(&mut kept.watched, true) {
            tokio::spawn(give_back(Arc::downgrade(&self.kept)));
        }
    }
}

/// Gives the connection back when it rests, and ends when there is none to be given back.
async fn give_back(kept: Weak<Mutex<Kept>>) {
    let mut rested_at = Instant::now() + REST;
    loop {
        sleep_until(rested_at).await;
        // Whoever is gone has given it back.
        let Some(kept) = kept.upgrade() else { return };
        let mut kept = lock(&kept);
        match &kept.connection {
            Some((_, since)) if since.elapsed() < REST => rested_at = *since + REST,
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

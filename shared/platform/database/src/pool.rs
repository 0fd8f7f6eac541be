//! Opening a pool.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Error, PgConnection, PgPool};
use tokio::time::timeout;

use crate::{RETURN_TIMEOUT, timeouts};

/// A connection that was idle for longer than this is pinged before it is lent. A ping of each, as
/// sqlx does by default, costs a round trip per transaction.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);

/// How long that ping may take. A connection that needs longer is closed, and another can still be
/// opened within [`timeouts::ACQUIRE`].
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// How long opening a connection may take: 10 s. A caller waits for [`timeouts::ACQUIRE`] only, and
/// the connection is then lent to a later one.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a pool of up to `size` connections, each with the timeouts of [`timeouts`].
///
/// # Errors
/// When the server cannot be reached or refuses the connection.
pub async fn connect(options: PgConnectOptions, size: u32) -> Result<PgPool, Error> {
    let options = timeouts::limited(options).options([("plan_cache_mode", "force_generic_plan")]);
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(OPEN_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, rest| {
            Box::pin(async move {
                let is_fresh = rest.idle_for <= PING_AFTER_IDLE;
                Ok(
                    is_fresh
                        || matches!(timeout(PING_TIMEOUT, connection.ping()).await, Ok(Ok(()))),
                )
            })
        })
        // For statements on the pool itself, which no `Connection` returns. The server is called
        // only if an answer is outstanding.
        .after_release(|connection, _| {
            Box::pin(async move {
                let answered = matches!(
                    timeout(RETURN_TIMEOUT, connection.flush()).await,
                    Ok(Ok(()))
                );
                Ok(answered && !connection.is_in_transaction())
            })
        })
        .connect_with(options)
        .await
}

/// Opens one connection without timeouts, for migrations, which may run for long.
///
/// # Errors
/// When the server cannot be reached or refuses the connection.
pub async fn connect_for_migrations(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    PgConnection::connect_with(&timeouts::unlimited(options.clone())).await
}

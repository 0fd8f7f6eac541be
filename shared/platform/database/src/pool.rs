//! Making a pool.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Error, PgConnection, PgPool};
use tokio::time::timeout;

use crate::{GIVE_BACK, timeouts};

/// A connection that rested longer than this is tried before it is lent. Trying each, as the pool
/// does by default, costs a round trip per transaction.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// How long such a try may take: a connection that does not answer a ping for that long is dead,
/// and another one can still be opened within [`timeouts::ACQUIRE`].
const TRY: Duration = Duration::from_secs(1);

/// Opens a pool of up to `size` connections, each with [`timeouts`].
///
/// # Errors
/// When the server cannot be reached or refuses the connection.
pub async fn connect(options: PgConnectOptions, size: u32) -> Result<PgPool, Error> {
    let options = timeouts::limited(options).options([("plan_cache_mode", "force_generic_plan")]);
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(timeouts::ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(|connection, rest| {
            Box::pin(async move {
                let trusted = rest.idle_for <= TRUSTED_FOR;
                Ok(trusted || matches!(timeout(TRY, connection.ping()).await, Ok(Ok(()))))
            })
        })
        // For statements on the pool itself, which no `Connection` gives back. Nothing is asked of
        // the server unless an answer is outstanding.
        .after_release(|connection, _| {
            Box::pin(async move {
                let answered = matches!(timeout(GIVE_BACK, connection.flush()).await, Ok(Ok(())));
                Ok(answered && !connection.is_in_transaction())
            })
        })
        .connect_with(options)
        .await
}

/// Opens one connection without time-outs, for migrations: a long one is no hanging one.
///
/// # Errors
/// When the server cannot be reached or refuses the connection.
pub async fn connect_for_migrations(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    PgConnection::connect_with(&timeouts::unlimited(options.clone())).await
}

//! Timeouts of statements, locks and transactions, after which Postgres ends them.
//!
//! `DATABASE_URL` overrides them:
//! `postgres://.../orders?options[lock_timeout]=5s&options[statement_timeout]=0`. Migrations run
//! without timeouts.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

/// How long a transaction waits for a free connection before its request is answered with 503: 3 s.
/// It is longer than [`LOCK`], so a connection that another transaction's lock wait holds is free
/// in time. Range: [`LOCK`] to the request's timeout.
pub const ACQUIRE: Duration = Duration::from_secs(3);

/// How long a statement waits for a lock (`lock_timeout`): 2 s. Transactions hold locks for
/// milliseconds, so a longer wait means a process that hangs. It is less than [`ACQUIRE`] and
/// [`RETURN_TIMEOUT`](crate::RETURN_TIMEOUT). Range: 100 ms to [`ACQUIRE`]. The error is transient:
/// 503 to a client, a retry of a message.
pub const LOCK: Duration = Duration::from_secs(2);

/// How long a statement runs (`statement_timeout`): 10 s, the default timeout of a request, after
/// which no caller waits. Range: 1 s to an hour. It does not cut a `COMMIT` that waits for a
/// standby, because Postgres switches the timeout off before it commits.
pub const STATEMENT: Duration = Duration::from_secs(10);

/// How long a transaction waits for its own process (`idle_in_transaction_session_timeout`): 60 s.
/// After that the locks of a frozen process are free. It is this long because messaging's relay
/// sends inside a transaction: 20 calls of up to 15 s, eight at once, are 45 s. Range: 50 s to
/// 15 min.
pub const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);

/// How long a server waits for a vanished client (`tcp_keepalives_*`): it probes after 30 s of
/// silence, three times, 10 s apart. Linux's default is two hours.
const KEEPALIVE: [(&str, &str); 3] = [
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

const LIMITS: [(&str, Duration); 3] = [
    ("lock_timeout", LOCK),
    ("statement_timeout", STATEMENT),
    ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
];

/// Adds the timeouts that the address does not set itself.
pub(crate) fn limited(options: PgConnectOptions) -> PgConnectOptions {
    let limits = LIMITS.map(|(name, limit)| (name, limit.as_millis().to_string()));
    let keepalive = KEEPALIVE.map(|(name, value)| (name, value.to_owned()));
    let named = options.get_options().unwrap_or_default().to_owned();
    let missing = limits.into_iter().chain(keepalive);
    options.options(missing.filter(|(name, _)| !named.contains(&format!("{name}="))))
}

/// Switches all timeouts off, also those that the address sets.
pub(crate) fn unlimited(options: PgConnectOptions) -> PgConnectOptions {
    options.options(LIMITS.map(|(name, _)| (name, "0")))
}

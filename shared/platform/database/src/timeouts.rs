//! How long anything may hang in Postgres before the server ends it.
//!
//! A user who needs others names them in `DATABASE_URL`, which comes before these:
//! `postgres://.../orders?options[lock_timeout]=5s&options[statement_timeout]=0`. Migrations run
//! without any.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

/// How long a transaction waits for a free connection before its request is answered with 503:
/// longer than [`LOCK`], so it outlives a wait that others end. Range: [`LOCK`] to the request's
/// time limit.
pub const ACQUIRE: Duration = Duration::from_secs(3);

/// How long a statement waits for a lock (`lock_timeout`). Transactions hold locks for
/// milliseconds, so one that waits for 2 s waits for a process that hangs. It is less than
/// [`ACQUIRE`] and [`GIVE_BACK`](crate::GIVE_BACK). Range: 100 ms to [`ACQUIRE`]; ends in "try
/// again": 503 to a client, a retry of a message.
pub const LOCK: Duration = Duration::from_secs(2);

/// How long a statement runs (`statement_timeout`): as long as a request may take by default,
/// since no answer is awaited after that. Range: 1 s to an hour. A `COMMIT` that waits for a
/// standby is not cut by it (Postgres ends it before it commits).
pub const STATEMENT: Duration = Duration::from_secs(10);

/// How long a transaction waits for its own process (`idle_in_transaction_session_timeout`): what
/// a frozen process holds is free after that. It is that long because messaging's relay sends
/// inside a transaction: 20 calls of up to 15 s, eight at once, are 45 s. Range: 50 s to 15 min.
pub const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);

/// How long a server waits for a vanished client (`tcp_keepalives_*`): it asks after 30 s of
/// silence, three times 10 s apart. Linux's default is two hours.
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

/// With the time-outs that the address does not name itself.
pub(crate) fn limited(options: PgConnectOptions) -> PgConnectOptions {
    let limits = LIMITS.map(|(name, limit)| (name, limit.as_millis().to_string()));
    let keepalive = KEEPALIVE.map(|(name, value)| (name, value.to_owned()));
    let named = options.get_options().unwrap_or_default().to_owned();
    let missing = limits.into_iter().chain(keepalive);
    options.options(missing.filter(|(name, _)| !named.contains(&format!("{name}="))))
}

/// Without any time-out, whatever the address names.
pub(crate) fn unlimited(options: PgConnectOptions) -> PgConnectOptions {
    options.options(LIMITS.map(|(name, _)| (name, "0")))
}

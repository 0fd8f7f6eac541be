//! Which errors pass by themselves.

use sqlx::Error;

/// Whether the error is transient, so a retry may succeed.
///
/// That is a server that was not reached, is starting or stopping (SQLSTATE class 57P) or has no
/// connection left (53300), a pool without a free connection, and a statement that a time-out of
/// [`timeouts`](crate::timeouts) ended (55P03, 57014, 25P03), a deadlock (40P01), or a conflict of
/// serializable transactions (40001). A server that takes no writes (25006) is one that a failover
/// has just left.
pub fn is_transient(error: &Error) -> bool {
    const CODES: [&str; 7] = [
        "53300", "55P03", "57014", "25P03", "40P01", "40001", "25006",
    ];
    match error {
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::BeginFailed => true,
        Error::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("57P") || CODES.contains(&&*code)),
        _ => false,
    }
}

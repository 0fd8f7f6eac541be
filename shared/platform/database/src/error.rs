//! Transient errors.

use sqlx::Error;

/// Whether the error is transient, so a retry may succeed.
///
/// Transient are: a server that was not reached (SQLSTATE class 08), is starting or stopping (57P),
/// or has no connection, memory or disk space left (53); a pool without a free connection; a
/// statement that a timeout of [`timeouts`](crate::timeouts) ended (55P03, 57014, 25P03); a
/// deadlock (40P01); a conflict of serializable transactions (40001); and a server that accepts no
/// writes after a failover (25006). A protocol violation (08P01) is permanent.
///
/// Source: PostgreSQL documentation, appendix A, error codes.
pub fn is_transient(error: &Error) -> bool {
    const CLASSES: [&str; 3] = ["08", "53", "57P"];
    const CODES: [&str; 6] = ["25006", "25P03", "40001", "40P01", "55P03", "57014"];
    match error {
        Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::BeginFailed => true,
        Error::Database(error) => error.code().is_some_and(|code| {
            let class = CLASSES.iter().any(|class| code.starts_with(class));
            (class || CODES.contains(&&*code)) && code != "08P01"
        }),
        _ => false,
    }
}

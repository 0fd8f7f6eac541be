//! Errors of handlers.

use std::fmt::Display;
use std::time::Duration;

/// The error of a handler: why a message was not handled, and whether to retry it.
///
/// `?` turns every error into a retry, because most errors in a handler are transient errors of a
/// server. For a permanent error a handler returns [`Fault::reject`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub(crate) retry: Retry,
    pub(crate) reason: String,
}

/// Whether and when a message is retried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Retry {
    /// After the queue's backoff.
    WithBackoff,
    /// After this time.
    After(Duration),
    /// Never: it goes to the dead letters.
    Never,
}

impl Fault {
    /// A transient error: the message is retried after a backoff that grows with its attempts.
    pub fn retry(reason: impl Display) -> Fault {
        Fault::new(Retry::WithBackoff, reason)
    }

    /// A transient error: the message is retried after `delay`, at most 12 h, SQS's maximum
    /// visibility timeout.
    pub fn retry_after(delay: Duration, reason: impl Display) -> Fault {
        Fault::new(Retry::After(delay), reason)
    }

    /// A permanent error: the message goes to the dead letters now, with the reason.
    pub fn reject(reason: impl Display) -> Fault {
        Fault::new(Retry::Never, reason)
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// A retry with an error and all its causes as the reason.
    pub(crate) fn caused_by(error: &(dyn std::error::Error + 'static)) -> Fault {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Fault::retry(reason)
    }

    /// The kind of fault, for spans: `retry` or `reject`.
    pub(crate) fn kind(&self) -> &'static str {
        match self.retry {
            Retry::WithBackoff | Retry::After(_) => "retry",
            Retry::Never => "reject",
        }
    }

    fn new(retry: Retry, reason: impl Display) -> Fault {
        Fault {
            retry,
            reason: reason.to_string(),
        }
    }
}

/// This needs `Fault` not to be a `std::error::Error` itself, as with `anyhow::Error`.
impl<E: std::error::Error + 'static> From<E> for Fault {
    fn from(error: E) -> Fault {
        Fault::caused_by(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_retry_and_keeps_its_causes() {
        #[derive(thiserror::Error, Debug)]
        #[error("cannot save the parcel")]
        struct Outer(#[source] std::fmt::Error);

        let failing = || -> Result<(), Fault> { Err(Outer(std::fmt::Error))? };
        let fault = failing().unwrap_err();
        assert_eq!(fault.retry, Retry::WithBackoff);
        assert!(
            fault
                .reason()
                .starts_with("cannot save the parcel: an error"),
            "{}",
            fault.reason()
        );
    }
}

//! The error of a handler.

use std::fmt::Display;
use std::time::Duration;

/// Why a message was not handled, and whether it is tried again.
///
/// `?` turns every error into a retry, since most errors in a handler are those of a server in
/// trouble. A handler that knows better returns [`Fault::reject`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub(crate) retry: Retry,
    pub(crate) reason: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Retry {
    /// Again, after the queue's backoff.
    WithBackoff,
    /// Again, after this time.
    After(Duration),
    /// Never again: to the dead letters.
    Never,
}

impl Fault {
    /// It may work later: the message comes back after a backoff that grows with its receives.
    pub fn retry(reason: impl Display) -> Fault {
        Fault::new(Retry::WithBackoff, reason)
    }

    /// It may work after `delay`, which is cut to 12 hours, SQS's longest visibility timeout.
    pub fn retry_after(delay: Duration, reason: impl Display) -> Fault {
        Fault::new(Retry::After(delay), reason)
    }

    /// It will never work: the message goes to the dead letters now, with the reason.
    pub fn reject(reason: impl Display) -> Fault {
        Fault::new(Retry::Never, reason)
    }

    /// Why it failed.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// A retry that names all causes of an error.
    pub(crate) fn caused_by(error: &(dyn std::error::Error + 'static)) -> Fault {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        Fault::retry(reason)
    }

    /// Whether the message is tried again, in one word.
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

/// Like `anyhow::Error`, a fault is no `std::error::Error` itself, so that this can stand here.
impl<E: std::error::Error + 'static> From<E> for Fault {
    fn from(error: E) -> Fault {
        Fault::caused_by(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_tried_again_and_keeps_its_causes() {
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

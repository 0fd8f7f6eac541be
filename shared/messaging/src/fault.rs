//! What a handler says when it could not do its work.

use std::fmt::Display;
use std::time::Duration;

/// Why a message was not handled, and what becomes of it.
///
/// `?` turns every error into a retry, since most errors in a handler are somebody else's
/// bad moment. A handler that knows better says so with [`Fault::reject`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Again, after the queue's backoff.
    Retry,
    /// Again, after this time.
    RetryAfter(Duration),
    /// Never again: to the dead letters.
    Reject,
}

impl Fault {
    /// It may work later: the message comes back after a backoff that grows with its receives.
    pub fn retry(reason: impl Display) -> Fault {
        Fault::new(Verdict::Retry, reason)
    }

    /// It may work after `delay`, which is cut to 12 hours, the longest that SQS hides a message.
    pub fn retry_after(delay: Duration, reason: impl Display) -> Fault {
        Fault::new(Verdict::RetryAfter(delay), reason)
    }

    /// It will never work: the message goes to the dead letters now, with the reason.
    pub fn reject(reason: impl Display) -> Fault {
        Fault::new(Verdict::Reject, reason)
    }

    /// What was the matter.
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

    /// What is to become of the message, in one word.
    pub(crate) fn kind(&self) -> &'static str {
        match self.verdict {
            Verdict::Retry | Verdict::RetryAfter(_) => "retry",
            Verdict::Reject => "reject",
        }
    }

    fn new(verdict: Verdict, reason: impl Display) -> Fault {
        Fault {
            verdict,
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
        assert_eq!(fault.verdict, Verdict::Retry);
        assert!(
            fault
                .reason()
                .starts_with("cannot save the parcel: an error"),
            "{}",
            fault.reason()
        );
    }
}

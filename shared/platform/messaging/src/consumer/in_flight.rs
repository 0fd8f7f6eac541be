//! A message in flight, and the outcome of its handling.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::lease::Lease;
use crate::Fault;
use crate::envelope::Delivery;
use crate::handler::Prepared;

/// A message that was received and is not yet acknowledged.
pub(super) struct InFlight {
    pub(super) delivery: Arc<Delivery>,
    /// The output of the handler before the transaction.
    pub(super) prepared: Prepared,
    pub(super) lease: Arc<Lease>,
    /// Released when the message is acknowledged.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// The outcome of a message.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Handled, and its effect is committed.
    Done,
    /// The attempt failed.
    Failed(Fault),
    /// Not attempted, or not completed before the shutdown timeout.
    Returned,
    /// Its visibility timeout ended, so another process may have it.
    LeaseExpired,
}

/// A message with its outcome.
pub(super) type Ended = (InFlight, Outcome);

impl Outcome {
    pub(super) fn of(handled: Result<(), Outcome>) -> Outcome {
        handled.err().unwrap_or(Outcome::Done)
    }

    /// The kind and the reason of a failed attempt.
    pub(super) fn failure(&self) -> Option<(&'static str, &str)> {
        match self {
            Outcome::Done => None,
            Outcome::Failed(fault) => Some((fault.kind(), fault.reason())),
            Outcome::Returned => Some(("returned", "shutdown")),
            Outcome::LeaseExpired => Some(("lost", "the lease was lost")),
        }
    }
}

//! A message on its way through the consumer, and how its handling ends.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::lease::Lease;
use crate::Fault;
use crate::envelope::Delivery;
use crate::handler::Prepared;

/// A message that was received and is not acknowledged.
pub(super) struct InFlight {
    pub(super) delivery: Arc<Delivery>,
    /// What the handler before the transaction returned.
    pub(super) prepared: Prepared,
    pub(super) lease: Arc<Lease>,
    /// Released when the message is acknowledged.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// How the handling of a message ended.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It is handled, and its effect is committed.
    Done,
    /// The attempt failed.
    Failed(Fault),
    /// It was not attempted, or not completed in the time that was left.
    Returned,
    /// Its visibility timeout ended: another process may have it by now.
    LeaseExpired,
}

/// A message whose handling has ended.
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
            Outcome::Returned => Some(("returned", "it was time to stop")),
            Outcome::LeaseExpired => Some(("lost", "the lease was lost")),
        }
    }
}

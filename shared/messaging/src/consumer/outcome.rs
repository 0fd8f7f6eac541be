//! A message in flight, and how its handling ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tracing::{error, warn};

use super::Running;
use super::lease::Lease;
use super::settle::{Back, Settlement};
use crate::Fault;
use crate::fault::Verdict;
use crate::spans::{self, Step};
use crate::transport::{Delivery, LONGEST_VISIBILITY};

/// A message that was received and is not settled.
pub(super) struct InFlight {
    pub(super) delivery: Arc<Delivery>,
    pub(super) lease: Arc<Lease>,
    /// Given back when the message is settled.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// How the handling of a message ended.
#[derive(Clone)]
pub(super) enum Outcome {
    Done,
    Failed(Fault),
    /// Not begun, or not ended in the time that there was.
    Released,
    /// Somebody else may have the message by now.
    Lost,
}

impl Step {
    /// The attempt came to nothing.
    pub(super) fn failed(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Done => {}
            Outcome::Failed(fault) => spans::failed(&self.span, fault.kind(), fault.reason()),
            Outcome::Released => spans::failed(&self.span, "released", "it was time to stop"),
            Outcome::Lost => spans::failed(&self.span, "lost", "the lease was lost"),
        }
    }
}

impl Running {
    /// Says what is to become of a message. It is out of our hands once that is done.
    pub(super) fn end(&self, message: InFlight, outcome: Outcome) {
        let queue = &*self.spec.name;
        let settlement = match outcome {
            Outcome::Done => {
                self.untried.forget(message.delivery.id);
                Settlement::Delete
            }
            Outcome::Released => {
                self.untried.add(message.delivery.id);
                Settlement::Hide(Duration::ZERO, Back::Released)
            }
            Outcome::Lost => {
                let id = message.delivery.id;
                warn!(queue, %id, "lost the message: it took too long, or another has it");
                self.lost(1);
                return;
            }
            Outcome::Failed(fault) => self.failed(&message.delivery, fault),
        };
        // The settler lives as long as anything is in flight.
        let _ = self.settlements.send((message, settlement));
    }

    fn failed(&self, delivery: &Delivery, fault: Fault) -> Settlement {
        let (queue, id, receives) = (&*self.spec.name, delivery.id, delivery.receive_count);
        let Fault { verdict, reason } = fault;
        let attempts = receives.saturating_sub(self.untried.count(id)).max(1);
        let is_last = attempts >= self.spec.max_attempts;
        let delay = match verdict {
            Verdict::Reject => {
                self.untried.forget(id);
                error!(queue, %id, reason, "rejected the message");
                return Settlement::Bury(reason);
            }
            _ if is_last => {
                self.untried.forget(id);
                error!(queue, %id, reason, attempts, receives, "gave the message up");
                return Settlement::Bury(format!("gave up after {attempts} attempts: {reason}"));
            }
            Verdict::Retry => self.options.backoff.delay(attempts),
            Verdict::RetryAfter(delay) => delay.min(LONGEST_VISIBILITY),
        };
        warn!(queue, %id, reason, attempts, ?delay, "left the message in the queue");
        Settlement::Hide(delay, Back::Retried)
    }
}

//! The seam between the runtime and a queue: SQS, or a queue inside this process.
//!
//! The relay and the consumer are written against these five calls. They do what SQS's calls do:
//! a message is delivered at least once, is invisible for a while, and comes back unless it is
//! deleted.

mod batches;
mod faults;
mod gone;
mod local;
mod local_message;
mod refusal;
mod sqs;
mod sqs_call;
mod sqs_client;
mod sqs_message;
mod sqs_queues;

use std::fmt;
use std::time::Duration;

pub use sqs_queue::faults::{CallFault, QueueCall};

pub(crate) use self::batches::batches;
pub(crate) use self::gone::Gone;
pub use self::local::Local;
pub(crate) use self::refusal::{EntryResult, Refused};
pub use self::sqs::Sqs;
pub(crate) use self::sqs_call::failed as sqs_failed;
use crate::envelope::{Delivery, Outgoing};
use crate::quota::LONGEST_POLL;
use crate::{Error, Provision, QueueSpec};

/// The longest poll of a server on this machine that is not ours.
const NEARBY_POLL: Duration = Duration::from_secs(2);

/// Where messages go.
#[derive(Clone)]
pub enum Transport {
    /// Amazon SQS, or a server that speaks its language.
    Sqs(Sqs),
    /// Queues inside this process. They lose their messages when the process ends, and a message
    /// that the outbox has sent already is not sent again. So use them for tests and comparisons.
    Local(Local),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Sqs(_) => "Sqs",
            Transport::Local(_) => "Local",
        })
    }
}

impl Transport {
    /// Makes sure that a queue that is read, and its dead letters, are there and as they should be.
    ///
    /// # Errors
    /// When it cannot be reached, is missing and not to be created, or differs.
    pub async fn ensure(&self, spec: &QueueSpec, how: Provision) -> Result<(), Error> {
        match self {
            Transport::Sqs(sqs) => sqs.ensure(spec, how).await,
            Transport::Local(local) => {
                local.ensure(spec);
                Ok(())
            }
        }
    }

    /// The same for a queue that is only sent to: where nothing may be created, its dead letters
    /// are not looked at, so that a sender needs no right to them.
    ///
    /// # Errors
    /// When it cannot be reached, is missing and not to be created, or differs.
    pub async fn ensure_target(&self, spec: &QueueSpec, how: Provision) -> Result<(), Error> {
        match self {
            Transport::Sqs(sqs) if how == Provision::Check => sqs.check_alone(spec).await,
            _ => self.ensure(spec, how).await,
        }
    }

    /// Forgets what is known of a queue that a call has missed, so that it is looked up again.
    pub(crate) fn look_up_again(&self, spec: &QueueSpec) {
        if let Transport::Sqs(sqs) = self {
            sqs.look_up_again(spec);
        }
    }

    /// The queues that calls have missed; `None` where no queue can go.
    pub(crate) fn gone(&self) -> Option<&Gone> {
        match self {
            Transport::Sqs(sqs) => Some(sqs.gone()),
            Transport::Local(_) => None,
        }
    }

    /// Waits up to `wait` for up to `max` messages, which are then invisible for `visibility`.
    pub(crate) async fn receive(
        &self,
        queue: &str,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        match self {
            Transport::Sqs(sqs) => sqs.receive(queue, max, wait, visibility).await,
            Transport::Local(local) => Ok(local.receive(queue, max, wait, visibility).await),
        }
    }

    /// Sends up to [`BATCH`] messages to one queue. The outcomes are in the order of `messages`.
    pub(crate) async fn send(&self, queue: &str, messages: &[Outgoing]) -> Vec<EntryResult> {
        match self {
            Transport::Sqs(sqs) => sqs.send(queue, messages).await,
            Transport::Local(local) => local.send(queue, messages),
        }
    }

    /// Deletes up to [`BATCH`] messages.
    pub(crate) async fn delete(&self, queue: &str, receipts: &[&str]) -> Vec<EntryResult> {
        match self {
            Transport::Sqs(sqs) => sqs.delete(queue, receipts).await,
            Transport::Local(local) => local.delete(queue, receipts),
        }
    }

    /// Hides up to [`BATCH`] messages for the given times from now on.
    pub(crate) async fn change_visibility(
        &self,
        queue: &str,
        receipts: &[(String, Duration)],
    ) -> Vec<EntryResult> {
        match self {
            Transport::Sqs(sqs) => sqs.change_visibility(queue, receipts).await,
            Transport::Local(local) => local.change_visibility(queue, receipts),
        }
    }

    /// Whether a poll may be dropped when it is time to stop. A queue in this process hands nothing
    /// to a poll that is gone, and our own server takes back what it did; Amazon does not, and the
    /// message would then wait for its visibility timeout.
    pub(crate) fn may_abandon_polls(&self) -> bool {
        match self {
            Transport::Sqs(sqs) => sqs.takes_polls_back(),
            Transport::Local(_) => true,
        }
    }

    /// How long polls may wait. Those that have to be waited for are short where they are cheap, so
    /// that ElasticMQ or LocalStack on a developer's machine hold up no stop.
    pub(crate) fn longest_poll(&self) -> Duration {
        match self {
            Transport::Sqs(sqs) if sqs.is_nearby() && !sqs.takes_polls_back() => NEARBY_POLL,
            _ => LONGEST_POLL,
        }
    }
}

impl From<Sqs> for Transport {
    fn from(sqs: Sqs) -> Transport {
        Transport::Sqs(sqs)
    }
}

impl From<Local> for Transport {
    fn from(local: Local) -> Transport {
        Transport::Local(local)
    }
}

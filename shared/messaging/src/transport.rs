//! The seam between the runtime and a queue: SQS, or a queue inside this process.
//!
//! The relay and the consumer are written against these five calls. They do what SQS's calls do:
//! at least once, hidden while somebody works on it, back when nobody deleted it.

mod batches;
mod local;
mod mishap;
mod outgoing;
mod refusal;
mod sqs;
mod sqs_call;
mod sqs_client;
mod sqs_message;
mod sqs_queues;

use std::fmt;
use std::time::Duration;

pub(crate) use self::batches::{BATCH, BATCH_BYTES, batches};
pub use self::local::Local;
pub use self::mishap::{Call, Mishap};
pub(crate) use self::outgoing::{Death, Delivery, Foreign, Outgoing};
pub(crate) use self::refusal::{Refused, Settled};
pub use self::sqs::Sqs;
pub(crate) use self::sqs_call::failed as sqs_failed;
use crate::{Error, Health, Message, Provision, QueueSpec, outbox, relay};

/// The longest delay that a message can be sent with: an SQS quota.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// The longest that a message can be hidden: an SQS quota.
pub(crate) const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);
/// The longest poll: an SQS quota.
pub(crate) const LONGEST_POLL: Duration = Duration::from_secs(20);

/// The longest poll of somebody else's server on this machine.
const NEARBY_POLL: Duration = Duration::from_secs(2);

/// Where messages go.
#[derive(Clone)]
pub enum Transport {
    /// Amazon SQS, or a server that speaks its language.
    Sqs(Sqs),
    /// A queue inside this process. It forgets everything when the process ends, but the outbox
    /// does not, so use it where both are one, as in a comparison of architectures.
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
    /// Sends a message without an outbox, for what belongs to no transaction. It is sent when this
    /// returns, and if the process dies before that, it is not.
    ///
    /// # Errors
    /// When it cannot be written as JSON, a queue does not take it, or it has a delay that only an
    /// outbox can keep: over 15 minutes, or any on a FIFO queue.
    pub async fn publish<M: Message>(&self, message: &M) -> Result<(), Error> {
        self.publish_all(std::slice::from_ref(message)).await
    }

    /// The same for several, in as few calls as it takes. On an error some may have been sent.
    ///
    /// # Errors
    /// When one cannot be written as JSON, a queue does not take it, or its delay needs an outbox.
    pub async fn publish_all<M: Message>(&self, messages: &[M]) -> Result<(), Error> {
        let rows = messages
            .iter()
            .map(outbox::rows)
            .collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        // Rounded, as some of the delay is over by now.
        if let Some(row) = rows
            .iter()
            .find(|row| row.wait() > Duration::from_millis(1))
        {
            return Err(Error::NeedsOutbox {
                queue: row.outgoing.queue.clone(),
                delay: row.wait(),
            });
        }
        let unsent = relay::send(self, &Health::default(), rows).await;
        match unsent.into_iter().next() {
            None => Ok(()),
            Some(unsent) => Err(Error::Sqs {
                action: "send to",
                queue: unsent.row.outgoing.queue,
                reason: unsent.refused.reason,
            }),
        }
    }

    /// Makes sure that a queue that is read, and its dead letters, are there and as they should be.
    ///
    /// # Errors
    /// When it cannot be reached, is missing and not to be created, or differs.
    pub async fn ensure(&self, spec: &QueueSpec, how: Provision) -> Result<(), Error> {
        match self {
            Transport::Sqs(sqs) => sqs.ensure(spec, how).await,
            Transport::Local(local) => local.ensure(spec),
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

    /// Waits up to `wait` for up to `max` messages, which are then hidden for `visibility`.
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
    pub(crate) async fn send(&self, queue: &str, messages: &[Outgoing]) -> Vec<Settled> {
        match self {
            Transport::Sqs(sqs) => sqs.send(queue, messages).await,
            Transport::Local(local) => local.send(queue, messages),
        }
    }

    /// Deletes up to [`BATCH`] messages.
    pub(crate) async fn delete(&self, queue: &str, receipts: &[&str]) -> Vec<Settled> {
        match self {
            Transport::Sqs(sqs) => sqs.delete(queue, receipts).await,
            Transport::Local(local) => local.delete(queue, receipts),
        }
    }

    /// Hides up to [`BATCH`] messages for the given times from now on.
    pub(crate) async fn hide(&self, queue: &str, receipts: &[(String, Duration)]) -> Vec<Settled> {
        match self {
            Transport::Sqs(sqs) => sqs.hide(queue, receipts).await,
            Transport::Local(local) => local.hide(queue, receipts),
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

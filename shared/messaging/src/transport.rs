//! The seam between the runtime and a queue: SQS, or a queue inside this process.
//!
//! The relay and the consumer are written against these five calls. They do what SQS's calls do:
//! at least once, hidden while somebody works on it, back when nobody deleted it.

mod faults;
mod gone;
mod local;
mod sqs;
mod sqs_call;
mod sqs_client;
mod sqs_queues;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::MessageAttributeValue;
use uuid::Uuid;

pub use self::faults::{CallFault, QueueCall};
pub(crate) use self::gone::Gone;
pub use self::local::Local;
pub use self::sqs::Sqs;
pub(crate) use self::sqs_call::failed as sqs_failed;
use crate::topology::whole_seconds;
use crate::{Error, Provision, QueueSpec};

/// The most messages that a batch call takes: an SQS quota.
pub(crate) const BATCH: usize = 10;
/// The most bytes of messages that a batch call takes: an SQS quota.
pub(crate) const BATCH_BYTES: usize = 1024 * 1024;
/// The longest delay that a message can be sent with: an SQS quota.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// The longest that a message can be hidden: an SQS quota.
pub(crate) const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);
/// The longest poll: an SQS quota.
pub(crate) const LONGEST_POLL: Duration = Duration::from_secs(20);

/// The longest poll of somebody else's server on this machine.
const NEARBY_POLL: Duration = Duration::from_secs(2);
/// Characters of a reason that are kept: it counts toward the size of the message.
const LONGEST_REASON: usize = 1_000;

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

/// A message on its way out.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Outgoing {
    pub(crate) id: Uuid,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) ordering_key: Option<String>,
    pub(crate) trace_parent: Option<String>,
    /// What a FIFO queue knows it by, if not by `id`: for five minutes it takes no other message
    /// with the same, not even one that comes back from the dead letters.
    pub(crate) deduplication_id: Option<String>,
    /// Attributes that somebody else has given it.
    pub(crate) foreign: Foreign,
    /// When readers may see it, if not by the queue's own delay.
    pub(crate) due_at: Option<SystemTime>,
    /// Why it is a dead letter, if it is one.
    pub(crate) dead: Option<Death>,
}

/// Why and from where a message came to the dead letters.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Death {
    pub(crate) reason: String,
    pub(crate) source: String,
}

/// Attributes of a message that this crate knows nothing of, by name.
pub(crate) type Foreign = BTreeMap<String, MessageAttributeValue>;

/// A message as received. `receipt` is what proves to the queue that we hold it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: Uuid,
    pub(crate) kind: Option<String>,
    pub(crate) body: String,
    pub(crate) receipt: String,
    /// The queue's own id of the message, new whenever it is sent.
    pub(crate) queue_id: String,
    /// How often it was received, this time included.
    pub(crate) receive_count: u32,
    pub(crate) sent_at: Option<SystemTime>,
    pub(crate) group: Option<String>,
    pub(crate) trace_parent: Option<String>,
    pub(crate) foreign: Foreign,
    /// Why it is a dead letter, if it is one and we made it one.
    pub(crate) death: Option<Death>,
}

/// What happened to one entry of a batch call.
pub(crate) type Settled = Result<(), Refused>;

/// The queue took the call, but not this entry; or it did not take the call.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    /// Whether it was the entry that was wrong, so that asking again is no use.
    pub(crate) is_final: bool,
}

impl Death {
    /// SQS takes no empty attribute, and neither the colours of a terminal nor any other sign
    /// that XML has no place for.
    pub(crate) fn new(reason: &str, source: &str) -> Death {
        let is_text = |char: &char| match char {
            '\t' | '\n' | '\r' => true,
            '\u{fffe}' | '\u{ffff}' => false,
            char => *char >= ' ',
        };
        let text = |char| Some(char).filter(is_text).unwrap_or('\u{fffd}');
        let reason: String = reason.chars().take(LONGEST_REASON).map(text).collect();
        let is_empty = reason.trim().is_empty();
        Death {
            reason: if is_empty {
                "no reason was given".into()
            } else {
                reason
            },
            source: source.to_owned(),
        }
    }
}

impl Outgoing {
    /// A message on to another queue: to the dead letters, or back from there. Sent once more, it
    /// is the same to a FIFO queue; moved once more, it is another.
    pub(crate) fn moved(delivery: &Delivery, queue: String, dead: Option<Death>) -> Outgoing {
        Outgoing {
            id: delivery.id,
            queue,
            kind: delivery.kind.clone().unwrap_or_default(),
            body: delivery.body.clone(),
            ordering_key: delivery.group.clone(),
            trace_parent: delivery.trace_parent.clone(),
            deduplication_id: Some(delivery.queue_id.clone()),
            foreign: delivery.foreign.clone(),
            due_at: None,
            dead,
        }
    }

    /// The remaining delay in whole seconds, rounded up and at most SQS's longest.
    fn delay_seconds(&self) -> Option<i32> {
        let due = self.due_at?;
        let left = due.duration_since(SystemTime::now()).unwrap_or_default();
        Some(whole_seconds(left.min(LONGEST_DELAY)) as i32)
    }

    /// What counts toward the size of a batch: the body and the attributes.
    pub(crate) fn size(&self) -> usize {
        // Three attributes with their names and types, and the id.
        const ATTRIBUTES: usize = 150;
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let death = self
            .dead
            .as_ref()
            .map_or(0, |d| d.reason.len() + d.source.len() + 50);
        self.body.len() + self.kind.len() + text(&self.trace_parent) + death + ATTRIBUTES
    }
}

impl Transport {
    /// Makes sure that the queue and its dead letters are there and as they should be.
    ///
    /// # Errors
    /// When it cannot be reached, is missing and not to be created, or differs.
    pub async fn ensure(&self, spec: &QueueSpec, how: Provision) -> Result<(), Error> {
        match self {
            Transport::Sqs(sqs) => sqs.ensure(spec, how).await,
            Transport::Local(local) => local.ensure(spec),
        }
    }

    /// The same for a queue that a call has missed: what is known of it is looked up again.
    pub(crate) async fn ensure_again(&self, spec: &QueueSpec, how: Provision) -> Result<(), Error> {
        match self {
            Transport::Sqs(sqs) => sqs.ensure_again(spec, how).await,
            Transport::Local(local) => local.ensure(spec),
        }
    }

    /// The queues that calls have missed; `None` where no queue can go.
    pub(crate) fn gone(&self) -> Option<&Gone> {
        match self {
            Transport::Sqs(sqs) => Some(sqs.gone()),
            Transport::Local(_) => None,
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

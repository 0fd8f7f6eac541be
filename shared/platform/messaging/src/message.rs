//! A typed payload, and where it goes.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Something that is told from one service to others.
///
/// ```
/// use messaging::{Destination, Message};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct ParcelLost {
///     parcel: u64,
/// }
///
/// impl Message for ParcelLost {
///     const KIND: &'static str = "parcel-lost";
///
///     fn destinations(&self) -> Vec<Destination> {
///         vec![Destination::queue("refunds"), Destination::queue("statistics")]
///     }
/// }
/// ```
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name of the type on the wire. A handler is never given a message of another kind.
    const KIND: &'static str;

    /// Every queue that is told. Each gets a message of its own, with an id of its own.
    fn destinations(&self) -> Vec<Destination>;

    /// Messages with the same key arrive in the order in which their transactions committed, and
    /// those of one transaction in the order in which they were pushed, if their queue is a FIFO
    /// queue (there it is the message group). So transactions that push the same key commit one
    /// after the other. What is [published](crate::Transport::publish) without an outbox has the
    /// order of the calls, if each waits for the one before.
    ///
    /// `None` where order does not matter. It has 1 to 128 characters of ASCII without spaces: an
    /// SQS rule.
    fn ordering_key(&self) -> Option<String> {
        None
    }
}

/// A queue, and how long its readers have to wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    pub(crate) queue: Cow<'static, str>,
    pub(crate) delay: Option<Duration>,
    pub(crate) deferred: bool,
}

impl Destination {
    /// The queue of this name, without the deployment's prefix. The queue's own delay applies.
    pub fn queue(name: impl Into<Cow<'static, str>>) -> Destination {
        Destination {
            queue: name.into(),
            delay: None,
            deferred: false,
        }
    }

    /// Readers see the message only after `delay`, in place of the queue's own delay. SQS counts
    /// in seconds, so it is rounded up. What is longer than SQS's 15 minutes waits in the outbox,
    /// and so does all of it before a FIFO queue, which delays no single message.
    pub fn after(self, delay: Duration) -> Destination {
        Destination {
            delay: Some(delay),
            ..self
        }
    }

    /// The message may be sent up to [`deferred_linger`](crate::RelayOptions::deferred_linger)
    /// later, so that several share a call, and with it a receive and a transaction.
    pub fn deferred(self) -> Destination {
        Destination {
            deferred: true,
            ..self
        }
    }
}

impl From<&'static str> for Destination {
    fn from(queue: &'static str) -> Destination {
        Destination::queue(queue)
    }
}

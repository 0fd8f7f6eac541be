//! Messages and their destinations.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A message that one service publishes to others.
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
    /// The name of the type on the wire. A handler gets no message of another kind.
    const KIND: &'static str;

    /// The queues that receive it. Each gets its own copy, with its own id.
    fn destinations(&self) -> Vec<Destination>;

    /// The ordering key, in a FIFO queue the message group. Messages with the same key arrive in
    /// the order in which their transactions committed, and those of one transaction in the order
    /// of the pushes. So transactions that push the same key commit one after the other. Messages
    /// that are [published](crate::Transport::publish) without an outbox have the order of the
    /// calls, if each call waits for the one before.
    ///
    /// `None` if order does not matter. A key has 1 to 128 visible ASCII characters, a rule of SQS.
    fn ordering_key(&self) -> Option<String> {
        None
    }
}

/// A queue that a message goes to, with an optional delay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    pub(crate) queue: Cow<'static, str>,
    pub(crate) delay: Option<Duration>,
    pub(crate) deferred: bool,
}

impl Destination {
    /// The queue with this name, without the deployment's prefix, and with the queue's own delay.
    pub fn queue(name: impl Into<Cow<'static, str>>) -> Destination {
        Destination {
            queue: name.into(),
            delay: None,
            deferred: false,
        }
    }

    /// Delays the message by `delay` in place of the queue's own delay, rounded up to whole
    /// seconds. The part beyond SQS's maximum of 15 min is spent in the outbox. For a FIFO queue,
    /// which cannot delay single messages, all of it is.
    pub fn after(self, delay: Duration) -> Destination {
        Destination {
            delay: Some(delay),
            ..self
        }
    }

    /// Lets the message wait for up to [`deferred_linger`](crate::RelayOptions::deferred_linger),
    /// so that several share a call, and at the receiver a poll and a transaction.
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

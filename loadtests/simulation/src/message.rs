//! Messages, with the ids that the inbox knows them by.

use std::fmt;

use contracts::{Event, ExpireOrder};
use domain::{OrderId, Payment};

/// The id of a message: the service that pushed it, and a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct MessageId {
    pub(crate) sender: &'static str,
    pub(crate) number: u32,
}

/// A message for one queue.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    /// The message whose handler published this one.
    pub(crate) cause: Option<MessageId>,
    pub(crate) body: Body,
}

/// A message that a service has received, with the provider's result if it called the provider.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) message: Message,
    pub(crate) payment: Option<Payment>,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Event(Event),
    Expire(ExpireOrder),
}

impl Body {
    pub(crate) fn order(&self) -> OrderId {
        match self {
            Body::Event(event) => event.order.id,
            Body::Expire(expire) => expire.order,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = Name(self.body.order());
        match &self.body {
            Body::Event(event) => write!(f, "{} of {order}", event.fact),
            Body::Expire(_) => write!(f, "the expiry of {order}"),
        }
    }
}

/// The name of an order in a story: `order 1` has the id that ends with 1.
pub(crate) struct Name(pub(crate) OrderId);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {}", self.0.0.as_u128())
    }
}

//! The events that the services tell each other.

use std::time::Duration;

use domain::{Fact, Order, OrderId};
use serde::{Deserialize, Serialize};

/// A fact, with the order it is about. It carries the whole order, so no service has to ask
/// another what an event meant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    pub fact: Fact,
    pub order: Order,
}

/// A note of the order service to itself: look at this order again when its time is up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExpireOrder {
    pub order: OrderId,
    /// How long the note waits. The reader has no use for it: it has waited.
    #[serde(skip)]
    pub after: Duration,
}

impl Event {
    pub fn new(fact: impl Into<Fact>, order: Order) -> Event {
        Event {
            fact: fact.into(),
            order,
        }
    }

    /// What is decided because of this event, about the same order.
    pub fn tells(self, fact: impl Into<Fact>) -> Event {
        Event::new(fact, self.order)
    }
}

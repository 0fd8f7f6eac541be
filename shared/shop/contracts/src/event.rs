//! The events that the services tell each other.

use std::time::Duration;

use domain::{Fact, Order, OrderId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A fact, with the order it is about. It carries the whole order, so no service has to ask
/// another what an event meant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    pub fact: Fact,
    pub order: Order,
    /// When the fact happened, by the clock of the service that decided it. A message of a version
    /// that did not say so counts from when it is read.
    #[serde(default = "now", with = "time::serde::rfc3339")]
    pub happened_at: OffsetDateTime,
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
    /// A fact that is decided now, and follows from no other event.
    pub fn new(fact: impl Into<Fact>, order: Order) -> Event {
        Event::at(fact, order, now())
    }

    /// A fact that was decided at this time.
    pub fn at(fact: impl Into<Fact>, order: Order, happened_at: OffsetDateTime) -> Event {
        Event {
            fact: fact.into(),
            order,
            happened_at,
        }
    }

    /// A fact that is decided now because of this event. It never happens before its cause, even
    /// where the clocks of two machines differ.
    pub fn tells(self, fact: impl Into<Fact>) -> Event {
        Event::at(fact, self.order, now().max(self.happened_at))
    }
}

/// In microseconds, as Postgres keeps it.
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(now.microsecond() * 1_000)
        .expect("a whole number of microseconds is less than a second")
}

#[cfg(test)]
mod tests {
    use domain::{Currency, CustomerId, Line, Lines, Money, PaymentMethod, Quantity, Sku};
    use serde_json::{from_value, to_value};
    use time::Duration;

    use super::*;

    fn placed() -> Event {
        let line = Line {
            sku: Sku::parse("teapot").unwrap(),
            quantity: Quantity::new(1).unwrap(),
            unit_price: Money::new(500, Currency::Eur).unwrap(),
        };
        let lines = Lines::new(vec![line]).unwrap();
        let method = PaymentMethod::parse("tok_ok").unwrap();
        let order = Order::place(CustomerId::new(), lines, method).unwrap();
        Event::new(Fact::OrderPlaced, order)
    }

    #[test]
    fn an_event_is_read_back_as_it_was_sent() {
        let event = placed();
        let read: Event = from_value(to_value(&event).unwrap()).unwrap();
        assert_eq!(read, event);
    }

    #[test]
    fn a_message_of_an_older_version_happens_when_it_is_read() {
        let mut message = to_value(placed()).unwrap();
        message.as_object_mut().unwrap().remove("happened_at");
        let before = now();
        let read: Event = from_value(message).unwrap();
        assert!(before <= read.happened_at && read.happened_at <= now());
    }

    #[test]
    fn no_event_happens_before_its_cause() {
        let ahead = Event {
            happened_at: now() + Duration::hours(1),
            ..placed()
        };
        let effect = ahead.clone().tells(Fact::PaymentAuthorized);
        assert_eq!(effect.happened_at, ahead.happened_at);

        let behind = Event {
            happened_at: now() - Duration::hours(1),
            ..placed()
        };
        let effect = behind.clone().tells(Fact::PaymentAuthorized);
        assert!(effect.happened_at > behind.happened_at);
    }
}

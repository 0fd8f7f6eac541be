//! The events that the services send to each other.

use std::time::Duration;

use domain::{Fact, Order, OrderId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A fact about an order. It carries the whole order, so that no service has to call another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub fact: Fact,
    /// The order in the state in which it was placed.
    pub order: Order,
    /// When the fact happened, by the clock of the service that decided it. A message of an earlier
    /// version does not contain it: then it is the time at which the message is read.
    #[serde(default = "now", with = "time::serde::rfc3339")]
    pub happened_at: OffsetDateTime,
}

/// A delayed message of the order service to itself: check whether this order has settled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExpireOrder {
    /// The order to check.
    pub order: OrderId,
    /// The delay of the message. The reader does not need it.
    #[serde(skip)]
    pub after: Duration,
}

impl Event {
    /// A fact that is decided now, and not because of another event.
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

    /// The event that follows from this one: a fact about the same order, decided now. It never
    /// happens before its cause, even if the clocks of two machines differ.
    pub fn followed_by(self, fact: impl Into<Fact>) -> Event {
        Event::at(fact, self.order, now().max(self.happened_at))
    }
}

/// The current time in microseconds, the precision of Postgres.
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

    /// During a deploy old readers receive what new senders send.
    #[test]
    fn a_field_that_only_a_newer_version_knows_is_ignored_wherever_it_stands() {
        let event = placed();
        let message = to_value(&event).unwrap();
        for place in ["", "/order", "/order/lines/0"] {
            let mut newer = message.clone();
            let object = newer.pointer_mut(place).unwrap().as_object_mut().unwrap();
            object.insert("gift_wrap".to_owned(), true.into());
            let read: Event = strict_json::from_slice(newer.to_string().as_bytes()).unwrap();
            assert_eq!(read, event, "{place:?}");
        }
    }

    #[test]
    fn no_event_happens_before_its_cause() {
        let ahead = Event {
            happened_at: now() + Duration::hours(1),
            ..placed()
        };
        let effect = ahead.clone().followed_by(Fact::PaymentAuthorized);
        assert_eq!(effect.happened_at, ahead.happened_at);

        let behind = Event {
            happened_at: now() - Duration::hours(1),
            ..placed()
        };
        let effect = behind.clone().followed_by(Fact::PaymentAuthorized);
        assert!(effect.happened_at > behind.happened_at);
    }
}

//! The one table of queues: which fact goes to which queue, who reads it, and its settings.

use std::time::Duration;

use domain::Fact;

/// The payment service reads it.
pub const PAYMENT: &str = "payment-events";
/// The inventory service reads it.
pub const INVENTORY: &str = "inventory-events";
/// The shipping service reads it.
pub const SHIPPING: &str = "shipping-events";
/// The order service reads it.
pub const ORDER: &str = "order-events";
/// A delay queue: a scheduled shipment waits here until its cancellation window has ended.
pub const DISPATCH: &str = "shipping-dispatch";
/// An order waits here, with its own message delay, until it is overdue.
pub const EXPIRY: &str = "order-expiry";

/// How long the messages of requests are collected, so that they share a call, and also a receive
/// and a transaction in every service on their way. It costs 35 ms on average, once per order, and
/// leaves a third of the calls and transactions at 50 orders per second (ADR 11).
pub const LINGER: Duration = Duration::from_millis(70);

/// The same for acknowledgements, and for messages that no order waits for: at 20 per second, ten
/// of them share a call. If the reader dies before it has acknowledged a message, the message comes
/// again, and the inbox ignores it.
pub const DEFERRED_LINGER: Duration = Duration::from_millis(500);

/// Attempts per message. Between them the runtime waits for a random part of 1, 2, 4 and so on up
/// to 512 s, and then of 900 s seven times: 61 minutes on average. So after an outage of the
/// payment provider of one hour, no capture and no refund is in a dead-letter queue.
pub const ATTEMPTS: u32 = 18;

/// A queue and the settings that it is created with. Its dead letters go to `<name>-dlq`. All are
/// standard queues: a status is a fold over facts, so it does not need ordered delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queue {
    /// `<service>-<purpose>`, where `<service>` reads the queue.
    pub name: &'static str,
    /// How long a received message stays invisible, 0 s to 12 h. The runtime extends it by
    /// heartbeat, so it limits how long the messages of a crashed consumer wait, not how long a
    /// handler may take.
    pub visibility_timeout: Duration,
    /// How long every message waits before it can be received, 0 to 900 s (an SQS quota).
    pub delay: Duration,
    /// How long an unread message is kept, 60 s to 14 days (an SQS quota).
    pub retention: Duration,
    /// The failed attempts after which a message goes to the dead-letter queue, 1 to 1,000.
    pub max_attempts: u32,
    /// Whether messages wait here anyway, so that they may be polled less often.
    pub deferred: bool,
}

/// A fact and the queues that it is sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// What happened.
    pub fact: Fact,
    /// The service that decides it.
    pub sent_by: &'static str,
    /// Sent with [`LINGER`], because an order or a request to cancel waits for it.
    pub immediate: &'static [&'static str],
    /// Sent with [`DEFERRED_LINGER`], because no order waits for it.
    pub deferred: &'static [&'static str],
}

/// The settings of a deployment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long a confirmed order can still be cancelled: the delay of [`DISPATCH`], at most 900 s.
    pub cancellation_window: Duration,
}

/// The queues that each fact is sent to: first the immediate ones, then the deferred ones.
pub const SUBSCRIPTIONS: [Subscription; 10] = [
    fact(Fact::OrderPlaced, "order", &[PAYMENT], &[]),
    fact(Fact::PaymentAuthorized, "payment", &[INVENTORY], &[ORDER]),
    fact(Fact::PaymentDeclined, "payment", &[ORDER], &[]),
    fact(Fact::StockReserved, "inventory", &[SHIPPING], &[ORDER]),
    fact(Fact::StockRejected, "inventory", &[ORDER], &[PAYMENT]),
    fact(Fact::ShipmentScheduled, "shipping", &[ORDER], &[DISPATCH]),
    fact(Fact::Dispatched, "shipping", &[], &[PAYMENT, ORDER]),
    fact(Fact::CancelRequested, "order", &[SHIPPING], &[]),
    fact(
        Fact::ShipmentCancelled,
        "shipping",
        &[ORDER],
        &[PAYMENT, INVENTORY],
    ),
    fact(Fact::CancelRefused, "shipping", &[ORDER], &[]),
];

/// Every queue of the shop, in the sequence in which an order passes them.
pub fn queues(settings: Settings) -> [Queue; 6] {
    let normal = |name| Queue {
        name,
        visibility_timeout: Duration::from_secs(30),
        delay: Duration::ZERO,
        retention: DAY * 4,
        max_attempts: ATTEMPTS,
        deferred: false,
    };
    [
        // Its handler calls the payment provider, which may be slow.
        Queue {
            visibility_timeout: Duration::from_secs(60),
            ..normal(PAYMENT)
        },
        normal(INVENTORY),
        normal(SHIPPING),
        normal(ORDER),
        // SQS delays are whole seconds. Rounded up, so that no window is cut short.
        Queue {
            delay: whole_seconds(settings.cancellation_window),
            deferred: true,
            ..normal(DISPATCH)
        },
        Queue {
            deferred: true,
            ..normal(EXPIRY)
        },
    ]
}

/// The queues that `service` reads or sends to, which must exist when it starts.
pub fn used_by(service: &str, settings: Settings) -> Vec<Queue> {
    let sends_to = |name: &str| {
        SUBSCRIPTIONS
            .iter()
            .any(|row| row.sent_by == service && row.queues().any(|queue| queue == name))
    };
    let all = queues(settings).into_iter();
    all.filter(|queue| queue.read_by() == service || sends_to(queue.name))
        .collect()
}

/// The queue with this name, which is one of the constants above.
pub fn queue(name: &str, settings: Settings) -> Queue {
    let found = queues(settings)
        .into_iter()
        .find(|queue| queue.name == name);
    found.expect("every constant above has a row in the table")
}

/// The queues that a fact is sent to. `None` if it is not sent.
pub fn subscription(fact: Fact) -> Option<&'static Subscription> {
    SUBSCRIPTIONS.iter().find(|row| row.fact == fact)
}

impl Subscription {
    /// All queues that the fact is sent to.
    pub fn queues(&self) -> impl Iterator<Item = &'static str> {
        self.immediate.iter().chain(self.deferred).copied()
    }
}

impl Queue {
    /// The service that reads the queue: the first word of its name.
    pub fn read_by(&self) -> &'static str {
        self.name.split('-').next().unwrap_or(self.name)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            cancellation_window: Duration::from_secs(60),
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const fn fact(
    fact: Fact,
    sent_by: &'static str,
    immediate: &'static [&'static str],
    deferred: &'static [&'static str],
) -> Subscription {
    Subscription {
        fact,
        sent_by,
        immediate,
        deferred,
    }
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_millis().div_ceil(1_000) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_has_one_row_and_every_queue_it_names_exists() {
        let window = Settings {
            cancellation_window: Duration::from_millis(1_500),
        };
        let names: Vec<_> = queues(window).iter().map(|queue| queue.name).collect();
        for fact in Fact::ALL {
            let rows: Vec<_> = SUBSCRIPTIONS
                .iter()
                .filter(|row| row.fact == fact)
                .collect();
            assert_eq!(rows.len(), 1, "{fact}");
            assert!(
                rows[0].queues().all(|queue| names.contains(&queue)),
                "{fact}"
            );
        }
    }

    #[test]
    fn a_cancellation_window_is_rounded_up_to_whole_seconds() {
        let window = Settings {
            cancellation_window: Duration::from_millis(1_500),
        };
        let dispatch = queues(window)
            .into_iter()
            .find(|queue| queue.name == DISPATCH)
            .unwrap();
        assert_eq!(dispatch.delay, Duration::from_secs(2));
    }

    #[test]
    fn a_service_uses_what_it_reads_and_what_it_sends_to() {
        let check = |service, expected: &[&str]| {
            let used = used_by(service, Settings::default());
            let names: Vec<_> = used.iter().map(|queue| queue.name).collect();
            assert_eq!(names, expected, "{service}");
        };

        check("order", &[PAYMENT, SHIPPING, ORDER, EXPIRY]);
        check("payment", &[PAYMENT, INVENTORY, ORDER]);
        check("inventory", &[PAYMENT, INVENTORY, SHIPPING, ORDER]);
        check("shipping", &[PAYMENT, INVENTORY, SHIPPING, ORDER, DISPATCH]);
    }
}

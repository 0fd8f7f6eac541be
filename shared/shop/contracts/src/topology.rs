//! The one table of queues: who listens where, to what, and with which settings.

use std::time::Duration;

use domain::Fact;

pub const PAYMENT: &str = "payment-events";
pub const INVENTORY: &str = "inventory-events";
pub const SHIPPING: &str = "shipping-events";
pub const ORDER: &str = "order-events";
/// A scheduled shipment waits here until its cancellation window has ended.
pub const DISPATCH: &str = "shipping-dispatch";
/// An order waits here, by a delay of its own, until it is overdue.
pub const EXPIRY: &str = "order-expiry";

/// How long messages that requests push one by one are collected to share a call, and with it a
/// receive and a transaction in every service on their way: 35 ms on average, once per order, for a
/// third of the calls and transactions at 50 orders per second (ADR 11).
pub const LINGER: Duration = Duration::from_millis(70);

/// The same for acknowledgements and for messages that no order waits for: at 20 per second ten of
/// them share a call. A message that was handled and not acknowledged when its reader died comes
/// again, and the inbox knows it.
pub const DEFERRED_LINGER: Duration = Duration::from_millis(500);

/// Attempts at a message. Between them the runtime waits for a random part of 1, 2, 4 and so on up
/// to 512 s, and then of 900 s seven times: 61 minutes on average. So a payment provider that is
/// away for an hour leaves no capture and no refund in the dead letters.
pub const ATTEMPTS: u32 = 18;

/// A queue and the settings it is created with. Its dead letters go to `<name>-dlq`. All are
/// standard queues: a status that is a fold over facts has no use for an order of delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queue {
    /// `<service>-<purpose>`; the service is the one that reads it.
    pub name: &'static str,
    /// How long a received message stays invisible, 0 s to 12 h. The runtime extends it by
    /// heartbeat, so it bounds how long a crashed consumer's messages wait, not how long a handler
    /// may take.
    pub visibility_timeout: Duration,
    /// How long every message waits before it can be received, 0 to 900 s (an SQS quota).
    pub delay: Duration,
    /// How long an unread message is kept, 60 s to 14 days (an SQS quota).
    pub retention: Duration,
    /// After this many failed attempts a message goes to the dead letters, 1 to 1,000.
    pub max_attempts: u32,
    /// Whether messages wait here for a time anyway, so that a moment more does no harm.
    pub deferred: bool,
}

/// A fact and the queues it is sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subscription {
    pub fact: Fact,
    pub sent_by: &'static str,
    /// Sent at once: an order settles by what they do, or a request to cancel is decided.
    pub at_once: &'static [&'static str],
    /// Sent with [`DEFERRED_LINGER`], as no order waits for it.
    pub deferred: &'static [&'static str],
}

/// What a deployment chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long a confirmed order can still be cancelled: the delay of [`DISPATCH`], at most 900 s.
    pub cancellation_window: Duration,
}

/// Which fact is sent to which queues. A fact that is missing here is sent nowhere.
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

/// Every queue of the shop, in the order of an order's way through it.
pub fn queues(settings: Settings) -> [Queue; 6] {
    let quick = |name| Queue {
        name,
        visibility_timeout: Duration::from_secs(30),
        delay: Duration::ZERO,
        retention: DAY * 4,
        max_attempts: ATTEMPTS,
        deferred: false,
    };
    [
        // Calls the payment provider, which may take its time.
        Queue {
            visibility_timeout: Duration::from_secs(60),
            ..quick(PAYMENT)
        },
        quick(INVENTORY),
        quick(SHIPPING),
        quick(ORDER),
        // Whole seconds, as SQS counts delays; rounded up, so a window is never cut short.
        Queue {
            delay: whole_seconds(settings.cancellation_window),
            deferred: true,
            ..quick(DISPATCH)
        },
        Queue {
            deferred: true,
            ..quick(EXPIRY)
        },
    ]
}

/// The queues that `service` reads or sends to: what has to be there when it starts.
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

/// The queue of this name, one of the constants above.
pub fn queue(name: &str, settings: Settings) -> Queue {
    let found = queues(settings)
        .into_iter()
        .find(|queue| queue.name == name);
    found.expect("every constant above has a row in the table")
}

/// The queues that a fact is sent to. `None` when it is sent nowhere.
pub fn subscription(fact: Fact) -> Option<&'static Subscription> {
    SUBSCRIPTIONS.iter().find(|row| row.fact == fact)
}

impl Subscription {
    pub fn queues(&self) -> impl Iterator<Item = &'static str> {
        self.at_once.iter().chain(self.deferred).copied()
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
    at_once: &'static [&'static str],
    deferred: &'static [&'static str],
) -> Subscription {
    Subscription {
        fact,
        sent_by,
        at_once,
        deferred,
    }
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_millis().div_ceil(1_000) as u64)
}

/// The table as a Mermaid flowchart; `docs/architecture.md` shows it.
pub fn diagram() -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    for row in SUBSCRIPTIONS {
        let (fact, sent_by) = (row.fact, row.sent_by);
        for queue in row.queues() {
            lines.push(format!("    {sent_by} -- {fact} --> {queue}[[{queue}]]"));
        }
    }
    lines.push(format!(
        "    order -- expire_order --> {EXPIRY}[[{EXPIRY}]]"
    ));
    let window = Settings {
        cancellation_window: Duration::ZERO,
    };
    for Queue { name, .. } in queues(window) {
        let service = name.split('-').next().unwrap_or(name);
        lines.push(format!("    {name} --> {service}"));
    }
    lines.join("\n") + "\n"
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

    #[test]
    fn the_diagram_in_the_docs_is_the_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/architecture.md");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(
            page.contains(&diagram()),
            "paste this into the page:\n{}",
            diagram()
        );
    }
}

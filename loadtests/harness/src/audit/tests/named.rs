//! Each kind of violation is named with the order that broke the promise and with its history.

use domain::{Fact, Payment, Reservation};
use uuid::Uuid;

use super::super::{DeadLetter, LedgerEntry, Snapshot, audit};
use super::{CANCELLED, CONFIRMED, DISPATCHED, sent, shop, snapshot};

const UNKNOWN: Uuid = Uuid::from_u128(9);

#[tokio::test]
async fn each_violation_names_its_order_and_its_history() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let intact = snapshot(&mut connection).await;
    let check = |violation: &str, order: Uuid, history: &str, corrupt: fn(&mut Snapshot)| {
        let mut snapshot = intact.clone();
        corrupt(&mut snapshot);
        let checks = audit(&snapshot, &[CONFIRMED, DISPATCHED, CANCELLED].map(sent), 0);
        let examples: Vec<_> = checks
            .into_iter()
            .filter_map(|check| check.example)
            .collect();
        let is_named = |example: &String| {
            example.contains(&format!("order {order} ")) && example.contains(history)
        };
        assert!(examples.iter().any(is_named), "{violation}: {examples:#?}");
    };

    check(
        "a lost order",
        CONFIRMED,
        "facts: none; its records: payment authorized, reservation held, shipment scheduled",
        |snapshot| drop(snapshot.orders.remove(&CONFIRMED)),
    );
    check(
        "a stuck order",
        CONFIRMED,
        "facts: order_placed +0 ms, payment_authorized +",
        |snapshot| {
            let order = snapshot.orders.get_mut(&CONFIRMED).unwrap();
            order
                .facts
                .retain(|(fact, _)| *fact != Fact::ShipmentScheduled);
        },
    );
    check(
        "an order that is captured by the shop twice",
        DISPATCHED,
        "has paid 1000 by the provider and 2000 by the shop; its facts: order_placed +0 ms",
        |snapshot| snapshot.payments.get_mut(&DISPATCHED).unwrap().amount_minor = 2_000,
    );
    check(
        "an order that is captured by the provider twice",
        DISPATCHED,
        "has 2 entries at the provider; its facts: order_placed +0 ms",
        |snapshot| snapshot.ledger.push(snapshot.ledger[1].clone()),
    );
    check(
        "an order that is captured and not dispatched",
        CONFIRMED,
        "payment captured, reservation held, shipment scheduled, provider captured",
        |snapshot| {
            snapshot.ledger[0].status = "captured".to_owned();
            snapshot.payments.get_mut(&CONFIRMED).unwrap().state = Payment::Captured;
        },
    );
    check(
        "an authorization of no order",
        UNKNOWN,
        "facts: none; its records: payment none, reservation none, shipment none, \
         provider authorized",
        |snapshot| {
            let orphan = LedgerEntry {
                order_id: UNKNOWN,
                ..snapshot.ledger[0].clone()
            };
            snapshot.ledger.push(orphan);
        },
    );
    check(
        "a reservation that is held for a cancelled order",
        CANCELLED,
        "reservation held, shipment cancelled",
        |snapshot| {
            let reservation = snapshot.reservations.get_mut(&CANCELLED).unwrap();
            reservation.state = Reservation::Held;
        },
    );
    check(
        "stock that a released reservation still holds",
        CANCELLED,
        "reservation released, shipment cancelled",
        |snapshot| {
            let stock = snapshot.stock.get_mut("teapot").unwrap();
            (stock.available, stock.reserved) = (94, 6);
        },
    );
    check(
        "negative stock",
        CONFIRMED,
        "teapot has -2 available, 102 reserved; order",
        |snapshot| {
            let stock = snapshot.stock.get_mut("teapot").unwrap();
            (stock.available, stock.reserved) = (-2, 102);
        },
    );
    check(
        "a dead letter",
        DISPATCHED,
        "has a dead letter: a payment that is voided cannot be captured; its facts: order_placed",
        |snapshot| {
            *snapshot.queues.get_mut("order-events-dlq").unwrap() = 1;
            snapshot.dead_letters = vec![DeadLetter {
                queue: "order-events-dlq".to_owned(),
                order: Some(DISPATCHED),
                reason: Some("a payment that is voided cannot be captured".to_owned()),
            }];
        },
    );
}

//! The tests break each promise by hand in a real database, and the audit must see it.

use std::collections::HashMap;

use analysis::model::Check;
use domain::Payment;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use super::ledger::Authorization;
use super::{LedgerEntry, Sent, Snapshot, audit};

const CONFIRMED: Uuid = Uuid::from_u128(1);
const DISPATCHED: Uuid = Uuid::from_u128(2);
const CANCELLED: Uuid = Uuid::from_u128(3);

/// Three orders of two teapots for 500 each: one confirmed, one dispatched, one cancelled.
const SHOP: &str = "
    insert into products values ('teapot', 'Teapot', 500, 'EUR');
    insert into orders (id, customer_id, idempotency_key, request, payment_method,
                        total_minor, currency)
    select id, id, 'key', '{}', 'tok_ok', 1000, 'EUR'
    from unnest(array[uuid '00000000-0000-0000-0000-000000000001',
                      uuid '00000000-0000-0000-0000-000000000002',
                      uuid '00000000-0000-0000-0000-000000000003']) as id;
    insert into order_lines select id, 'teapot', 2, 500 from orders;
    insert into order_facts (order_id, fact)
    select id, fact from orders, unnest(array['order_placed', 'payment_authorized',
        'stock_reserved', 'shipment_scheduled']) as fact;
    insert into order_facts (order_id, fact) values
        ('00000000-0000-0000-0000-000000000002', 'dispatched'),
        ('00000000-0000-0000-0000-000000000003', 'cancel_requested'),
        ('00000000-0000-0000-0000-000000000003', 'shipment_cancelled');
    insert into payments (order_id, state, amount_minor, currency) values
        ('00000000-0000-0000-0000-000000000001', 'authorized', 1000, 'EUR'),
        ('00000000-0000-0000-0000-000000000002', 'captured', 1000, 'EUR'),
        ('00000000-0000-0000-0000-000000000003', 'voided', 1000, 'EUR');
    insert into stock values ('teapot', 96, 4);
    insert into reservations values
        ('00000000-0000-0000-0000-000000000001', 'held', '{teapot}', '{2}'),
        ('00000000-0000-0000-0000-000000000002', 'held', '{teapot}', '{2}'),
        ('00000000-0000-0000-0000-000000000003', 'released', '{teapot}', '{2}');
    insert into shipments values
        ('00000000-0000-0000-0000-000000000001', 'scheduled', now()),
        ('00000000-0000-0000-0000-000000000002', 'dispatched', now()),
        ('00000000-0000-0000-0000-000000000003', 'cancelled', now())";

async fn shop(connection: &mut PgConnection) {
    for context in store::Context::ALL {
        context.migrations().run(&mut *connection).await.unwrap();
    }
    sqlx::raw_sql(SHOP).execute(connection).await.unwrap();
}

async fn snapshot(database: &mut PgConnection) -> Snapshot {
    let delivered = HashMap::from([("teapot".to_owned(), 100)]);
    let mut snapshot = Snapshot::default();
    snapshot.read_orders(database).await.unwrap();
    snapshot.read_payments(database).await.unwrap();
    snapshot.read_inventory(database, &delivered).await.unwrap();
    snapshot.read_shipments(database).await.unwrap();
    snapshot.ledger = [
        (CONFIRMED, "authorized"),
        (DISPATCHED, "captured"),
        (CANCELLED, "voided"),
    ]
    .map(|(order_id, status)| LedgerEntry {
        order_id,
        status: status.to_owned(),
        authorization: Some(Authorization {
            amount_minor: 1_000,
        }),
    })
    .into();
    snapshot.queues = ["order-events", "order-events-dlq"]
        .map(|name| (name.to_owned(), 0))
        .into();
    snapshot.outboxes = [("orders".to_owned(), 0)].into();
    snapshot
}

fn sent(id: Uuid) -> Sent {
    Sent {
        id,
        lines: [("teapot".to_owned(), 2)].into(),
    }
}

fn broken(checks: &[Check]) -> Vec<&str> {
    let broken = checks.iter().filter(|check| check.broken > 0);
    broken.map(|check| check.promise.as_str()).collect()
}

#[tokio::test]
async fn an_intact_shop_passes_and_each_broken_row_is_found() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let accepted = [CONFIRMED, DISPATCHED, CANCELLED].map(sent);

    let intact = audit(&snapshot(&mut connection).await, &accepted, 0);
    assert_eq!(broken(&intact), Vec::<&str>::new(), "{intact:?}");
    assert!(intact.iter().all(|check| check.examined > 0), "{intact:?}");

    let corruptions = [
        (
            "delete from order_facts where fact <> 'order_placed'",
            "one status",
        ),
        (
            "insert into order_facts select order_id, 'shipment_cancelled' from order_facts
          where fact = 'dispatched'",
            "one status",
        ),
        (
            "update payments set amount_minor = 999 where state = 'captured'",
            "of its total",
        ),
        (
            "delete from payments where state = 'authorized'",
            "of its total",
        ),
        (
            "update payments set state = 'capture_due' where state = 'captured'",
            "of its total",
        ),
        (
            "delete from reservations where state = 'held'",
            "reservation of its lines",
        ),
        (
            "update reservations set quantities = '{3}' where state = 'held'",
            "of its lines",
        ),
        (
            "update reservations set state = 'released' where state = 'held'",
            "of its lines",
        ),
        (
            "delete from shipments where state = 'scheduled'",
            "one shipment",
        ),
        (
            "update shipments set state = 'scheduled' where state = 'dispatched'",
            "one shipment",
        ),
        (
            "update payments set state = 'captured' where state = 'voided'",
            "keeps no money",
        ),
        (
            "update payments set state = 'refund_due' where state = 'voided'",
            "keeps no money",
        ),
        (
            "update reservations set state = 'held' where state = 'released'",
            "keeps no stock",
        ),
        (
            "update shipments set state = 'scheduled' where state = 'cancelled'",
            "keeps no stock",
        ),
        ("update stock set available = 95", "conserved"),
        ("update stock set reserved = 5, available = 95", "conserved"),
        (
            "alter table stock drop constraint stock_never_negative;
          update stock set available = -1, reserved = 101",
            "never negative",
        ),
        (
            "update payments set state = 'voided' where state = 'captured'",
            "ledger agrees",
        ),
        (
            "insert into payments values (gen_random_uuid(), 'declined', 1, 'EUR')",
            "has its order",
        ),
        (
            "insert into shipments values (gen_random_uuid(), 'scheduled', now())",
            "has its order",
        ),
        (
            "delete from order_facts where order_id::text like '%1';
          delete from order_lines where order_id::text like '%1';
          delete from orders where id::text like '%1'",
            "is on record",
        ),
        (
            "update order_lines set quantity = 3;
          update reservations set quantities = '{3}'",
            "the one that was sent",
        ),
    ];
    for (sql, promise) in corruptions {
        #[expect(clippy::disallowed_methods, reason = "nothing cancels a test")]
        let mut tx = connection.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *tx)
            .await
            .unwrap();
        let checks = audit(&snapshot(&mut tx).await, &accepted, 0);
        let found = broken(&checks);
        assert!(
            found.iter().any(|broken| broken.contains(promise)),
            "{sql}: {found:?}"
        );
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn a_promise_broken_outside_the_databases_is_found_too() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let intact = snapshot(&mut connection).await;
    let check = |corrupt: fn(&mut Snapshot), promise: &str| {
        let mut snapshot = intact.clone();
        corrupt(&mut snapshot);
        let checks = audit(&snapshot, &[CONFIRMED].map(sent), 0);
        assert!(
            broken(&checks)
                .iter()
                .any(|broken| broken.contains(promise)),
            "{promise}"
        );
    };

    check(
        |snapshot| snapshot.ledger[0].status = "captured".to_owned(),
        "ledger agrees",
    );
    check(
        |snapshot| snapshot.ledger[1].authorization = None,
        "ledger agrees",
    );
    check(
        |snapshot| snapshot.ledger[0].order_id = Uuid::from_u128(9),
        "ledger agrees",
    );
    check(|snapshot| drop(snapshot.ledger.remove(1)), "ledger agrees");
    check(
        |snapshot| *snapshot.queues.get_mut("order-events").unwrap() = 1,
        "left in a queue",
    );
    check(
        |snapshot| *snapshot.queues.get_mut("order-events-dlq").unwrap() = 1,
        "dead-letter",
    );
    check(
        |snapshot| *snapshot.outboxes.get_mut("orders").unwrap() = 1,
        "outbox",
    );
}

#[test]
fn a_shop_that_accepts_no_order_breaks_a_promise() {
    let checks = audit(&Snapshot::default(), &[], 0);
    assert_eq!(broken(&checks), ["orders are accepted"]);
}

/// A customer may cancel before the shop has asked for money.
#[tokio::test]
async fn an_order_that_was_voided_before_it_was_declined_moved_no_money() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let mut snapshot = snapshot(&mut connection).await;
    snapshot.payments.get_mut(&CANCELLED).unwrap().state = Payment::Declined;
    let passes =
        |snapshot: &Snapshot| broken(&audit(snapshot, &[CONFIRMED].map(sent), 0)).is_empty();
    assert!(
        !passes(&snapshot),
        "money was set aside and the shop thinks not"
    );
    snapshot.ledger[2].authorization = None;
    assert!(passes(&snapshot));
}

#[tokio::test]
async fn an_authorization_without_an_order_is_allowed_only_where_orders_failed() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let mut snapshot = snapshot(&mut connection).await;
    let orphan = LedgerEntry {
        order_id: Uuid::from_u128(9),
        ..snapshot.ledger[0].clone()
    };
    snapshot.ledger.push(orphan);
    let passes = |failed| broken(&audit(&snapshot, &[CONFIRMED].map(sent), failed)).is_empty();
    assert!(!passes(0));
    assert!(passes(1));
}

#[tokio::test]
async fn a_tombstone_of_an_order_that_was_voided_first_holds_nothing() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let order = domain::OrderId(Uuid::from_u128(9));
    store::payments::insert_tombstone(&mut connection, order)
        .await
        .unwrap();
    let mut snapshot = snapshot(&mut connection).await;
    snapshot.ledger.push(LedgerEntry {
        order_id: order.0,
        status: "voided".to_owned(),
        ..snapshot.ledger[0].clone()
    });
    let passes =
        |snapshot: &Snapshot| broken(&audit(snapshot, &[CONFIRMED].map(sent), 0)).is_empty();
    assert!(!passes(&snapshot), "the provider was not asked yet");
    snapshot.payments.get_mut(&order.0).unwrap().state = Payment::Voided;
    assert!(passes(&snapshot));
    snapshot.payments.get_mut(&order.0).unwrap().amount_minor = 1_000;
    assert!(!passes(&snapshot), "an order is lost");
}

//! The tests break each promise by hand, and the audit must find it. The shop here is intact.

mod ledger;
mod named;
mod other_records;
mod rows;

use std::collections::HashMap;

use analysis::model::Check;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ledger::Authorization;
use super::{LedgerEntry, Sent, Snapshot};

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

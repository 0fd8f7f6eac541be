//! The promises: those that hold after every step, and those of the audit, which hold at the end.

use std::collections::BTreeMap;

use domain::Fact;
use domain::{Lines, Shipment, Status};
use harness::audit::ledger::Authorization;
use harness::audit::snapshot::{OrderEntry, PaymentEntry, ReservationEntry, StockEntry};
use harness::audit::{LedgerEntry, Sent, Snapshot, audit};

use crate::message::Name;
use crate::shop::Shop;
use crate::tables::DELIVERED;

/// The first promise that is broken now, although work is left to do.
pub(crate) fn broken_now(shop: &Shop) -> Option<String> {
    let dead = shop
        .queues
        .iter()
        .find_map(|queue| queue.dead_letters.first());
    let levels = shop.inventory.tables.levels.iter();
    let stock = levels.map(|(sku, level)| (sku, level.available, level.reserved));
    let wrong = stock.into_iter().find(|(_, available, reserved)| {
        *available < 0 || *reserved < 0 || available + reserved != DELIVERED
    });
    let wrong = wrong.map(|(sku, available, reserved)| {
        format!("of {sku}, {available} are available and {reserved} reserved of {DELIVERED}")
    });
    let shipments = &shop.shipping.tables.rows;
    let undispatched = shop.provider.captured().find(|order| {
        let shipment = shipments.get(order).map(|row| row.state);
        shipment != Some(Shipment::Dispatched)
    });
    let undispatched = undispatched.map(|order| {
        format!(
            "the money of {} is captured, and it is not dispatched",
            Name(order)
        )
    });
    let dead = dead.cloned();
    let twice = shop.queues.answered_twice.clone();
    dead.or(twice).or(wrong).or(undispatched)
}

/// The first promise that is broken when nothing is left to do: of the audit, or that every delay
/// has ended.
pub(crate) fn broken_at_rest(shop: &mut Shop) -> Option<String> {
    let records = shop.orders.tables.records.values();
    let accepted: Vec<Sent> = records
        .map(|record| Sent {
            id: record.order.id.0,
            lines: pieces(&record.order.lines),
        })
        .collect();
    if accepted.is_empty() {
        return None;
    }
    let checks = audit(&snapshot(shop), &accepted, 0);
    let broken = checks.into_iter().find(|check| check.broken > 0);
    let broken = broken.map(|check| {
        let example = check.example.unwrap_or_default();
        format!("{}: {example}", check.promise)
    });
    let mut records = shop.orders.tables.records.values();
    let waiting = records.find(|record| record.status() == Status::Confirmed);
    let waiting = waiting.map(|record| format!("{} is never dispatched", Name(record.order.id)));
    broken.or(waiting)
}

/// What the audit reads from the databases, the ledger and the queues.
fn snapshot(shop: &mut Shop) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for outbox in shop.outboxes() {
        let rows = outbox.len() as u64;
        snapshot.outboxes.insert(outbox.service().to_owned(), rows);
    }
    for record in shop.orders.tables.records.values() {
        let known = Fact::ALL.into_iter().filter(|fact| record.facts.has(*fact));
        let order = OrderEntry {
            total_minor: record.order.total.minor(),
            lines: pieces(&record.order.lines),
            facts: known.map(|fact| (fact, 0.0)).collect(),
        };
        snapshot.orders.insert(record.order.id.0, order);
    }
    for (id, (order, state)) in &shop.payments.tables.rows {
        let payment = PaymentEntry {
            state: *state,
            amount_minor: order.total.minor(),
        };
        snapshot.payments.insert(id.0, payment);
    }
    for (sku, level) in &shop.inventory.tables.levels {
        let stock = StockEntry {
            available: level.available,
            reserved: level.reserved,
            delivered: DELIVERED,
        };
        snapshot.stock.insert(sku.to_string(), stock);
    }
    for (id, (state, lines)) in &shop.inventory.tables.reservations {
        let reservation = ReservationEntry {
            state: *state,
            lines: pieces(lines),
        };
        snapshot.reservations.insert(id.0, reservation);
    }
    for (id, row) in &shop.shipping.tables.rows {
        snapshot.shipments.insert(id.0, row.state);
    }
    let entries = shop.provider.ledger.entries().map(|entry| LedgerEntry {
        order_id: entry.order_id,
        status: entry.status.as_str().to_owned(),
        authorization: entry.authorization.as_ref().map(|one| Authorization {
            amount_minor: one.amount_minor,
        }),
    });
    snapshot.ledger = entries.collect();
    for queue in shop.queues.iter() {
        let dead_letters = format!("{}-dlq", queue.name);
        let waiting = queue.len() as u64;
        snapshot.queues.insert(queue.name.to_owned(), waiting);
        let dead = queue.dead_letters.len() as u64;
        snapshot.queues.insert(dead_letters, dead);
    }
    snapshot
}

fn pieces(lines: &Lines) -> BTreeMap<String, i64> {
    let pieces = lines.iter().map(|line| {
        let pieces = i64::from(line.quantity.get());
        (line.sku.to_string(), pieces)
    });
    pieces.collect()
}

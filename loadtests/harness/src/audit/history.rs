//! The history of one order: what every part of the shop has on record about it.

use uuid::Uuid;

use super::snapshot::Snapshot;

/// The complaint about an order, with the order's history.
pub(super) fn with_history(snapshot: &Snapshot, id: Uuid, complaint: &str) -> String {
    let (facts, records) = (facts(snapshot, id), records(snapshot, id));
    format!("order {id} {complaint}; its facts: {facts}; its records: {records}")
}

/// The facts in the order of their times, each with its time since the first, in milliseconds.
fn facts(snapshot: &Snapshot, id: Uuid) -> String {
    let order = snapshot.orders.get(&id);
    let mut facts = order.map(|order| order.facts.clone()).unwrap_or_default();
    facts.sort_by(|(a, at), (b, bt)| at.total_cmp(bt).then(a.cmp(b)));
    let Some(first) = facts.first().map(|(_, at)| *at) else {
        return "none".to_owned();
    };
    let facts = facts
        .iter()
        .map(|(fact, at)| format!("{fact} +{:.0} ms", at - first));
    facts.collect::<Vec<_>>().join(", ")
}

fn records(snapshot: &Snapshot, id: Uuid) -> String {
    let payment = snapshot.payments.get(&id).map(|one| one.state.as_str());
    let reservation = snapshot.reservations.get(&id).map(|one| one.state.as_str());
    let shipment = snapshot.shipments.get(&id).map(|one| one.as_str());
    let ledger = snapshot.ledger.iter().find(|entry| entry.order_id == id);
    let provider = ledger.map(|entry| entry.status.as_str());
    let all = [
        ("payment", payment),
        ("reservation", reservation),
        ("shipment", shipment),
        ("provider", provider),
    ];
    let all = all.map(|(part, state)| format!("{part} {}", state.unwrap_or("none")));
    all.join(", ")
}

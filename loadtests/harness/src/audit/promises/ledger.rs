//! The promise that the payment provider and the shop have the same records.

use std::collections::HashMap;

use analysis::model::Check;
use uuid::Uuid;

use crate::audit::check::check;
use crate::audit::history::with_history;
use crate::audit::{LedgerEntry, Snapshot};

/// Checks both directions: every authorization has the payment that the shop has on record, and
/// every payment has an authorization. The provider has one entry per order.
///
/// A failure between the provider's answer and the commit leaves an authorization without an
/// order. The monolith voids it after minutes, and no run waits that long: up to one per failed
/// order breaks no promise.
pub(super) fn the_ledger_agrees(snapshot: &Snapshot, failed: u64) -> Check {
    let ledger: HashMap<Uuid, _> = snapshot
        .ledger
        .iter()
        .map(|entry| (entry.order_id, entry))
        .collect();
    let mut entries: HashMap<Uuid, u64> = HashMap::new();
    for entry in &snapshot.ledger {
        *entries.entry(entry.order_id).or_default() += 1;
    }
    let mut orders: Vec<&Uuid> = ledger.keys().chain(snapshot.payments.keys()).collect();
    orders.sort_unstable();
    orders.dedup();
    let is_orphan = |id: &Uuid| {
        let authorized = ledger
            .get(id)
            .is_some_and(|entry| entry.status == "authorized");
        authorized && !snapshot.payments.contains_key(id) && !snapshot.orders.contains_key(id)
    };
    if orders.iter().filter(|id| is_orphan(id)).count() as u64 <= failed {
        orders.retain(|id| !is_orphan(id));
    }

    check(
        "the payment provider's ledger agrees with ours",
        orders,
        |id| {
            let entries = entries.get(id).copied().unwrap_or(0);
            if entries > 1 {
                let complaint = format!("has {entries} entries at the provider");
                return Some(with_history(snapshot, *id, &complaint));
            }
            let ours = snapshot
                .payments
                .get(id)
                .map(|payment| payment.state.as_str());
            match (ledger.get(id), ours) {
                // Orders without a record, voided orders and declined orders move no money.
                (Some(entry), None) if ["voided", "declined"].contains(&entry.status.as_str()) => {
                    None
                }
                (None, Some("declined" | "voided")) => None,
                (Some(entry), Some(ours)) if entry.status == ours => amounts(snapshot, id, entry),
                // An authorization after the void is declined, also if one before it was voided.
                (Some(entry), Some("declined")) if entry.status == "voided" => None,
                // An authorization that was declined is void from the start.
                (Some(entry), Some("voided")) if entry.status == "declined" => None,
                (theirs, ours) => {
                    let theirs = theirs.map_or("nothing", |entry| entry.status.as_str());
                    let ours = ours.unwrap_or("nothing");
                    let complaint = format!("is {theirs} at the provider and {ours} in the shop");
                    Some(with_history(snapshot, *id, &complaint))
                }
            }
        },
    )
}

fn amounts(snapshot: &Snapshot, id: &Uuid, entry: &LedgerEntry) -> Option<String> {
    let ours = snapshot.payments.get(id)?.amount_minor;
    let theirs = entry
        .authorization
        .as_ref()
        .map_or(0, |one| one.amount_minor);
    let moved = !["voided", "declined"].contains(&entry.status.as_str());
    let complaint = || format!("has paid {theirs} by the provider and {ours} by the shop");
    (moved && ours != theirs).then(|| with_history(snapshot, *id, &complaint()))
}

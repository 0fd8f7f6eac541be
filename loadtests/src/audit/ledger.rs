//! Whether the payment provider and the shop tell the same story.

use std::collections::HashMap;

use uuid::Uuid;

use super::promises::check;
use super::{Books, LedgerEntry};
use crate::results::Check;

/// Both ways: every authorization has the payment that the shop thinks it has, and every payment
/// has an authorization.
///
/// Who fails between the provider's answer and the commit leaves money set aside for an order that
/// nobody has. The monolith sweeps it up after minutes, for which no run waits: so much of it as
/// there were failed orders is owed, and broken nothing.
pub(super) fn the_ledger_agrees(books: &Books, failed: u64) -> Check {
    let ledger: HashMap<Uuid, _> = books
        .ledger
        .iter()
        .map(|entry| (entry.order_id, entry))
        .collect();
    let mut orders: Vec<&Uuid> = ledger.keys().chain(books.payments.keys()).collect();
    orders.sort_unstable();
    orders.dedup();
    let is_orphan = |id: &Uuid| {
        let authorized = ledger
            .get(id)
            .is_some_and(|entry| entry.status == "authorized");
        authorized && !books.payments.contains_key(id) && !books.orders.contains_key(id)
    };
    if orders.iter().filter(|id| is_orphan(id)).count() as u64 <= failed {
        orders.retain(|id| !is_orphan(id));
    }

    check(
        "the payment provider's ledger agrees with ours",
        orders,
        |id| {
            let ours = books.payments.get(id).map(|payment| payment.state.as_str());
            match (ledger.get(id), ours) {
                // What never was, was voided, or was declined, moves no money on either side.
                (Some(entry), None) if ["voided", "declined"].contains(&entry.status.as_str()) => {
                    None
                }
                (None, Some("declined" | "voided")) => None,
                (Some(entry), Some(ours)) if entry.status == ours => amounts(books, id, entry),
                // Who asks for money after it was voided is declined.
                (Some(entry), Some("declined"))
                    if entry.status == "voided" && entry.authorization.is_none() =>
                {
                    None
                }
                // An authorization that was declined is void from the start.
                (Some(entry), Some("voided")) if entry.status == "declined" => None,
                (theirs, ours) => {
                    let theirs = theirs.map_or("nothing", |entry| entry.status.as_str());
                    let ours = ours.unwrap_or("nothing");
                    Some(format!(
                        "of order {id} the provider says {theirs} and the shop {ours}"
                    ))
                }
            }
        },
    )
}

fn amounts(books: &Books, id: &Uuid, entry: &LedgerEntry) -> Option<String> {
    let ours = books.payments.get(id)?.amount_minor;
    let theirs = entry
        .authorization
        .as_ref()
        .map_or(0, |one| one.amount_minor);
    let moved = !["voided", "declined"].contains(&entry.status.as_str());
    (moved && ours != theirs)
        .then(|| format!("of order {id} the provider has {theirs} and the shop {ours}"))
}

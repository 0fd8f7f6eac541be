//! Promises about payments, by the shop's own records.

use domain::{Payment, Status};
use uuid::Uuid;

use crate::audit::Snapshot;
use crate::audit::snapshot::OrderEntry;

pub(super) fn payment(
    snapshot: &Snapshot,
    id: Uuid,
    order: &OrderEntry,
    status: Status,
) -> Option<String> {
    let expected: &[Payment] = match status {
        Status::Confirmed => &[Payment::Authorized],
        Status::Dispatched => &[Payment::Captured],
        Status::Placed | Status::Cancelled => return None,
    };
    match snapshot.payments.get(&id) {
        None => Some("has no payment".to_owned()),
        Some(found) if found.amount_minor != order.total_minor => Some(format!(
            "costs {} and was paid {}",
            order.total_minor, found.amount_minor
        )),
        Some(found) if !expected.contains(&found.state) => {
            Some(format!("is {status:?} and its payment {:?}", found.state))
        }
        Some(_) => None,
    }
}

pub(super) fn no_money(
    snapshot: &Snapshot,
    id: Uuid,
    _: &OrderEntry,
    status: Status,
) -> Option<String> {
    let found = snapshot
        .payments
        .get(&id)
        .filter(|_| status == Status::Cancelled)?;
    let returned = [Payment::Declined, Payment::Voided, Payment::Refunded];
    let kept = !returned.contains(&found.state);
    kept.then(|| format!("is cancelled and its payment {:?}", found.state))
}

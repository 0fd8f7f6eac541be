//! Checks one promise over many items.

use analysis::model::Check;
use domain::{Facts, Status};
use uuid::Uuid;

use super::history::with_history;
use super::snapshot::{OrderEntry, Snapshot};

/// Examines all `items` and keeps the first complaint.
pub(super) fn check<T>(
    promise: &str,
    items: impl IntoIterator<Item = T>,
    complaint: impl Fn(T) -> Option<String>,
) -> Check {
    let mut check = Check {
        promise: promise.to_owned(),
        examined: 0,
        broken: 0,
        example: None,
    };
    for item in items {
        check.examined += 1;
        if let Some(complaint) = complaint(item) {
            check.broken += 1;
            check.example.get_or_insert(complaint);
        }
    }
    check
}

/// Examines every order, with the status that its facts give it.
pub(super) fn each_order(
    promise: &str,
    snapshot: &Snapshot,
    complaint: impl Fn(&Snapshot, Uuid, &OrderEntry, Status) -> Option<String>,
) -> Check {
    check(promise, &snapshot.orders, |(id, order)| {
        let facts: Facts = order.facts.iter().map(|(fact, _)| *fact).collect();
        let complaint = complaint(snapshot, *id, order, Status::of(facts))?;
        Some(with_history(snapshot, *id, &complaint))
    })
}

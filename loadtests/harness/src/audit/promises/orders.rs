//! Promises about orders.

use std::collections::BTreeMap;

use analysis::model::{ACCEPTED_ARE_KEPT, Check};
use domain::{Fact, Payment, Status};
use uuid::Uuid;

use crate::audit::Snapshot;
use crate::audit::check::check;
use crate::audit::history::with_history;
use crate::audit::snapshot::{OrderEntry, PaymentEntry};

/// An order that the shop accepted, by the answer to the generator.
#[derive(Clone, PartialEq, Debug)]
pub struct Sent {
    pub id: Uuid,
    /// Pieces by SKU, as ordered.
    pub lines: BTreeMap<String, i64>,
}

/// A shop that accepts no orders would pass every other check.
pub(super) fn orders_are_accepted(accepted: &[Sent]) -> Check {
    check("orders are accepted", [accepted.len()], |accepted| {
        (accepted == 0).then(|| "no order was accepted".to_owned())
    })
}

pub(super) fn accepted_orders_are_kept(snapshot: &Snapshot, accepted: &[Sent]) -> Check {
    check(ACCEPTED_ARE_KEPT, accepted, |sent| {
        let id = sent.id;
        let is_lost = !snapshot.orders.contains_key(&id);
        is_lost.then(|| with_history(snapshot, id, "was accepted and is gone"))
    })
}

pub(super) fn orders_are_as_they_were_sent(snapshot: &Snapshot, accepted: &[Sent]) -> Check {
    let promise = "every order on record is the one that was sent";
    check(promise, accepted, |Sent { id, lines }| {
        let kept = &snapshot.orders.get(id)?.lines;
        let complaint = || format!("was sent with {lines:?} and contains {kept:?}");
        (kept != lines).then(|| with_history(snapshot, *id, &complaint()))
    })
}

pub(super) fn status(_: &Snapshot, _: Uuid, order: &OrderEntry, status: Status) -> Option<String> {
    let has = |one: Fact| order.facts.iter().any(|(fact, _)| *fact == one);
    let contradictions = [
        (Fact::Dispatched, Fact::ShipmentCancelled),
        (Fact::PaymentAuthorized, Fact::PaymentDeclined),
        (Fact::StockReserved, Fact::StockRejected),
        (Fact::ShipmentScheduled, Fact::PaymentDeclined),
        (Fact::ShipmentScheduled, Fact::StockRejected),
        (Fact::ShipmentCancelled, Fact::CancelRefused),
    ];
    if status == Status::Placed {
        return Some("never settled".to_owned());
    }
    let both = contradictions
        .into_iter()
        .find(|(one, other)| has(*one) && has(*other));
    both.map(|(one, other)| format!("is both {one} and {other}"))
}

pub(super) fn everything_has_its_order(snapshot: &Snapshot) -> Check {
    // A voided payment of nothing is a tombstone: the monolith's sweep claims an order that was
    // never committed, so that it never will be.
    let is_tombstone = |one: &PaymentEntry| one.state == Payment::Voided && one.amount_minor == 0;
    let payments = snapshot
        .payments
        .iter()
        .filter(|(_, one)| !is_tombstone(one));
    let parts = payments.map(|(id, _)| ("payment", id));
    let parts = parts.chain(snapshot.reservations.keys().map(|id| ("reservation", id)));
    let parts = parts.chain(snapshot.shipments.keys().map(|id| ("shipment", id)));
    check(
        "every payment, reservation and shipment has its order",
        parts.filter(|(_, id)| **id > snapshot.since),
        |(part, id)| {
            let complaint = || format!("is unknown and has a {part}");
            let is_unknown = !snapshot.orders.contains_key(id);
            is_unknown.then(|| with_history(snapshot, *id, &complaint()))
        },
    )
}

//! The promises, as plain functions of the books.

use std::collections::{BTreeMap, HashMap};

use domain::{Fact, Facts, Payment, Reservation, Shipment, Status};
use uuid::Uuid;

use super::Books;
use super::books::{OrderEntry, PaymentEntry};
use super::ledger::the_ledger_agrees;
use crate::results::Check;

/// An order that the generator was told was accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct Sent {
    pub id: Uuid,
    /// Pieces by SKU, as they were ordered.
    pub lines: BTreeMap<String, i64>,
}

pub const ACCEPTED_ARE_KEPT: &str = "every accepted order is on the books";

/// Looks at every promise. `failed` is the number of orders that were asked for and answered with
/// an error, or not at all.
pub fn audit(books: &Books, accepted: &[Sent], failed: u64) -> Vec<Check> {
    let dead_letters = books.queues.iter().filter(is_dead_letter_queue);
    let queues = books
        .queues
        .iter()
        .filter(|queue| !is_dead_letter_queue(queue));
    vec![
        orders_are_accepted(accepted),
        accepted_orders_are_kept(books, accepted),
        orders_are_as_they_were_sent(books, accepted),
        each_order(
            "every order reached one status, and no facts contradict it",
            books,
            status,
        ),
        each_order(
            "a confirmed order has one payment of its total",
            books,
            payment,
        ),
        each_order(
            "a confirmed order has one reservation of its lines",
            books,
            reservation,
        ),
        each_order("a confirmed order has one shipment", books, shipment),
        each_order("a cancelled order keeps no money", books, no_money),
        each_order(
            "a cancelled order keeps no stock and is not shipped",
            books,
            no_stock,
        ),
        stock_is_conserved(books),
        the_ledger_agrees(books, failed),
        nothing_belongs_to_nobody(books),
        nothing_waits("no message is in a dead-letter queue", dead_letters),
        nothing_waits("no message is left in a queue", queues),
        nothing_waits("no event is left in an outbox", &books.outboxes),
    ]
}

/// Looks at all of `items` and keeps the first complaint.
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

fn each_order(
    promise: &str,
    books: &Books,
    complaint: impl Fn(&Books, Uuid, &OrderEntry, Status) -> Option<String>,
) -> Check {
    check(promise, &books.orders, |(id, order)| {
        let facts: Facts = order.facts.iter().map(|(fact, _)| *fact).collect();
        let complaint = complaint(books, *id, order, Status::of(facts))?;
        Some(format!("order {id} {complaint}"))
    })
}

/// Who does nothing breaks no other promise.
fn orders_are_accepted(accepted: &[Sent]) -> Check {
    check("orders are accepted", [accepted.len()], |accepted| {
        (accepted == 0).then(|| "no order was accepted".to_owned())
    })
}

fn accepted_orders_are_kept(books: &Books, accepted: &[Sent]) -> Check {
    check(ACCEPTED_ARE_KEPT, accepted, |sent| {
        let id = sent.id;
        (!books.orders.contains_key(&id)).then(|| format!("order {id} was accepted and is gone"))
    })
}

fn orders_are_as_they_were_sent(books: &Books, accepted: &[Sent]) -> Check {
    let promise = "every order on the books is the one that was sent";
    check(promise, accepted, |Sent { id, lines }| {
        let kept = &books.orders.get(id)?.lines;
        (kept != lines).then(|| format!("order {id} asked for {lines:?} and is for {kept:?}"))
    })
}

fn status(_: &Books, _: Uuid, order: &OrderEntry, status: Status) -> Option<String> {
    let has = |wanted: Fact| order.facts.iter().any(|(fact, _)| *fact == wanted);
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

fn payment(books: &Books, id: Uuid, order: &OrderEntry, status: Status) -> Option<String> {
    let expected: &[Payment] = match status {
        Status::Confirmed => &[Payment::Authorized],
        Status::Dispatched => &[Payment::Captured],
        Status::Placed | Status::Cancelled => return None,
    };
    match books.payments.get(&id) {
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

fn reservation(books: &Books, id: Uuid, order: &OrderEntry, status: Status) -> Option<String> {
    if !matches!(status, Status::Confirmed | Status::Dispatched) {
        return None;
    }
    match books.reservations.get(&id) {
        None => Some("has no reservation".to_owned()),
        Some(found) if found.state != Reservation::Held => Some(format!(
            "is {status:?} and its reservation {:?}",
            found.state
        )),
        Some(found) if found.lines != order.lines => Some(format!(
            "wants {:?} and holds {:?}",
            order.lines, found.lines
        )),
        Some(_) => None,
    }
}

fn shipment(books: &Books, id: Uuid, _: &OrderEntry, status: Status) -> Option<String> {
    let expected = match status {
        Status::Confirmed => Shipment::Scheduled,
        Status::Dispatched => Shipment::Dispatched,
        Status::Placed | Status::Cancelled => return None,
    };
    match books.shipments.get(&id) {
        None => Some("has no shipment".to_owned()),
        Some(found) if *found != expected => {
            Some(format!("is {status:?} and its shipment {found:?}"))
        }
        Some(_) => None,
    }
}

fn no_money(books: &Books, id: Uuid, _: &OrderEntry, status: Status) -> Option<String> {
    let found = books
        .payments
        .get(&id)
        .filter(|_| status == Status::Cancelled)?;
    let returned = [Payment::Declined, Payment::Voided, Payment::Refunded];
    let kept = !returned.contains(&found.state);
    kept.then(|| format!("is cancelled and its payment {:?}", found.state))
}

fn no_stock(books: &Books, id: Uuid, _: &OrderEntry, status: Status) -> Option<String> {
    if status != Status::Cancelled {
        return None;
    }
    let reservation = books.reservations.get(&id);
    if reservation.is_some_and(|found| found.state == Reservation::Held) {
        return Some("is cancelled and holds stock".to_owned());
    }
    let shipment = books
        .shipments
        .get(&id)
        .filter(|found| **found != Shipment::Cancelled)?;
    Some(format!("is cancelled and its shipment {shipment:?}"))
}

fn stock_is_conserved(books: &Books) -> Check {
    let mut held: HashMap<&str, i64> = HashMap::new();
    let reservations = books.reservations.values();
    for reservation in reservations.filter(|one| one.state == Reservation::Held) {
        for (sku, pieces) in &reservation.lines {
            *held.entry(sku).or_default() += pieces;
        }
    }
    check(
        "stock is conserved and never negative",
        &books.stock,
        |(sku, stock)| {
            let held = held.get(sku.as_str()).copied().unwrap_or(0);
            if stock.available < 0 || stock.reserved < 0 {
                Some(format!(
                    "{sku} has {} on the shelf, {} reserved",
                    stock.available, stock.reserved
                ))
            } else if stock.available + stock.reserved != stock.delivered {
                let now = stock.available + stock.reserved;
                Some(format!(
                    "of {sku} {} were delivered and {now} are there",
                    stock.delivered
                ))
            } else if stock.reserved != held {
                Some(format!(
                    "of {sku} {} are reserved and orders hold {held}",
                    stock.reserved
                ))
            } else {
                None
            }
        },
    )
}

fn nothing_belongs_to_nobody(books: &Books) -> Check {
    // A voided payment of nothing is a mark: the monolith's sweep claims an order that was never
    // committed, so that it never will be.
    let is_mark = |one: &PaymentEntry| one.state == Payment::Voided && one.amount_minor == 0;
    let payments = books.payments.iter().filter(|(_, one)| !is_mark(one));
    let parts = payments.map(|(id, _)| ("payment", id));
    let parts = parts.chain(books.reservations.keys().map(|id| ("reservation", id)));
    let parts = parts.chain(books.shipments.keys().map(|id| ("shipment", id)));
    check(
        "every payment, reservation and shipment has its order",
        parts.filter(|(_, id)| **id > books.since),
        |(part, id)| {
            (!books.orders.contains_key(id)).then(|| format!("a {part} of unknown order {id}"))
        },
    )
}

fn nothing_waits<'a>(
    promise: &str,
    places: impl IntoIterator<Item = (&'a String, &'a u64)>,
) -> Check {
    check(promise, places, |(name, waiting)| {
        (*waiting > 0).then(|| format!("{waiting} in {name}"))
    })
}

fn is_dead_letter_queue(queue: &(&String, &u64)) -> bool {
    queue.0.ends_with("-dlq")
}

//! Promises about reservations, shipments and stock.

use std::collections::HashMap;

use analysis::model::Check;
use domain::{Reservation, Shipment, Status};
use uuid::Uuid;

use crate::audit::Snapshot;
use crate::audit::check::check;
use crate::audit::history::with_history;
use crate::audit::snapshot::{OrderEntry, StockEntry};

/// The orders that are named for a product whose stock is wrong.
const MAX_SUSPECTS: usize = 3;

pub(super) fn reservation(
    snapshot: &Snapshot,
    id: Uuid,
    order: &OrderEntry,
    status: Status,
) -> Option<String> {
    if !matches!(status, Status::Confirmed | Status::Dispatched) {
        return None;
    }
    match snapshot.reservations.get(&id) {
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

pub(super) fn shipment(
    snapshot: &Snapshot,
    id: Uuid,
    _: &OrderEntry,
    status: Status,
) -> Option<String> {
    let expected = match status {
        Status::Confirmed => Shipment::Scheduled,
        Status::Dispatched => Shipment::Dispatched,
        Status::Placed | Status::Cancelled => return None,
    };
    match snapshot.shipments.get(&id) {
        None => Some("has no shipment".to_owned()),
        Some(found) if *found != expected => {
            Some(format!("is {status:?} and its shipment {found:?}"))
        }
        Some(_) => None,
    }
}

pub(super) fn no_stock(
    snapshot: &Snapshot,
    id: Uuid,
    _: &OrderEntry,
    status: Status,
) -> Option<String> {
    if status != Status::Cancelled {
        return None;
    }
    let reservation = snapshot.reservations.get(&id);
    if reservation.is_some_and(|found| found.state == Reservation::Held) {
        return Some("is cancelled and holds stock".to_owned());
    }
    let shipment = snapshot
        .shipments
        .get(&id)
        .filter(|found| **found != Shipment::Cancelled)?;
    Some(format!("is cancelled and its shipment {shipment:?}"))
}

pub(super) fn stock_is_conserved(snapshot: &Snapshot) -> Check {
    let mut held: HashMap<&str, i64> = HashMap::new();
    let reservations = snapshot.reservations.values();
    for reservation in reservations.filter(|one| one.state == Reservation::Held) {
        for (sku, pieces) in &reservation.lines {
            *held.entry(sku).or_default() += pieces;
        }
    }
    check(
        "stock is conserved and never negative",
        &snapshot.stock,
        |(sku, stock)| {
            let complaint = unconserved(sku, stock, &held)?;
            let suspects = suspects(snapshot, sku);
            Some(format!("{complaint}; {suspects}"))
        },
    )
}

/// What is wrong with the stock of one product.
fn unconserved(sku: &str, stock: &StockEntry, held: &HashMap<&str, i64>) -> Option<String> {
    let held = held.get(sku).copied().unwrap_or(0);
    if stock.available < 0 || stock.reserved < 0 {
        Some(format!(
            "{sku} has {} available, {} reserved",
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
}

/// Orders that may have caused it: of those with the product, first the ones that reserved it and
/// hold it no longer.
fn suspects(snapshot: &Snapshot, sku: &str) -> String {
    let orders = snapshot.orders.iter();
    let with_product = orders.filter(|(_, order)| order.lines.contains_key(sku));
    let mut suspects: Vec<(bool, &Uuid)> = with_product
        .map(|(id, _)| {
            let reservation = snapshot.reservations.get(id);
            let is_held = reservation.is_some_and(|found| found.state == Reservation::Held);
            (is_held, id)
        })
        .collect();
    suspects.sort_unstable();
    let named = suspects.into_iter().take(MAX_SUSPECTS);
    let named = named.map(|(_, id)| with_history(snapshot, *id, "contains it"));
    named.collect::<Vec<_>>().join("; ")
}

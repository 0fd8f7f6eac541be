//! What inventory does when it is told something: one event, one local transaction.

use std::collections::hash_map::Entry;

use contracts::Event;
use domain::{Fact, Order, OrderId, Reservation, Stock};
use messaging::{BatchHandler, Fault, outbox, trace};
use sqlx::PgConnection;
use store::inventory;

pub struct Inventory;

/// What is known of an order's reservation.
type Known<'a> = Entry<'a, OrderId, Reservation>;

impl BatchHandler for Inventory {
    type Message = Event;

    async fn handle_batch(&self, tx: &mut PgConnection, events: Vec<Event>) -> Result<(), Fault> {
        // What all of them need, and in one order: two replicas never wait in a circle.
        let lines = events.iter().flat_map(|event| &event.order.lines);
        let mut stock = inventory::lock(tx, lines).await?;
        let orders = events.iter().map(|event| event.order.id);
        let mut reservations = inventory::lock_reservations(tx, orders).await?;

        for (n, event) in events.iter().enumerate() {
            let Event { fact, order, .. } = event;
            let reservation = reservations.entry(order.id);
            match fact {
                Fact::PaymentAuthorized => {
                    if let Some(fact) = reserve(&mut stock, reservation, order) {
                        let decided = event.clone().tells(fact);
                        trace::nth(n, outbox::push(tx, &decided)).await?;
                    }
                }
                Fact::ShipmentCancelled => release(&mut stock, reservation, order),
                other => return Err(Fault::reject(format!("inventory has no use for {other}"))),
            }
        }

        let orders = events.iter().map(|event| &event.order);
        let decided = orders.map(|order| (order, reservations[&order.id]));
        inventory::save(tx, &stock, decided).await?;
        Ok(())
    }
}

/// Sets the order's pieces aside, all of them or none. An order that was cancelled before it got
/// here has left its mark, and takes nothing.
fn reserve(stock: &mut Stock, known: Known<'_>, order: &Order) -> Option<Fact> {
    let Entry::Vacant(new) = known else {
        return None;
    };
    match stock.reserve(&order.lines) {
        Ok(()) => {
            new.insert(Reservation::Held);
            Some(Fact::StockReserved)
        }
        Err(refusal) => {
            new.insert(Reservation::Rejected);
            Some(refusal.into())
        }
    }
}

/// Puts the order's pieces back, or leaves a mark that nothing is to be set aside.
fn release(stock: &mut Stock, known: Known<'_>, order: &Order) {
    let reservation = known.or_insert(Reservation::Released);
    if reservation.release() {
        stock.release(&order.lines);
    }
}

//! Handles the events that inventory subscribes to: one local transaction per batch.
//!
//! The runtime begins the transaction before `load`. After `save` it adds the returned events to
//! the outbox and commits; only then does it send them and delete the messages. If the process dies
//! after the commit, the messages come again, and the inbox ignores them; a relay sends the outbox.

use contracts::Event;
use domain::{Fact, Stock};
use messaging::{BatchHandler, Fault, Tx};
use store::inventory;

/// Reserves and releases stock: `reserve` and `release`, as in the monolith.
pub struct Inventory;

impl BatchHandler for Inventory {
    type Message = Event;
    type State = Stock;
    type Output = Event;

    /// Locks the stock rows in SKU order, then the reservations in the order of the orders' ids.
    async fn load(&self, tx: &mut Tx, events: &[Event]) -> Result<Stock, Fault> {
        Ok(inventory::lock_orders(tx, events.iter().map(|event| &event.order)).await?)
    }

    fn decide(&self, stock: &mut Stock, event: Event) -> Result<Option<Event>, Fault> {
        match event.fact {
            Fact::PaymentAuthorized => {
                // `StockReserved`, or `StockRejected`, after which payment voids the authorization.
                // If no answer comes, payment's `overdue.rs` publishes the event again, under a new
                // message id: it gets the same answer.
                let reservation = stock.reserve(&event.order);
                Ok(reservation.fact().map(|fact| event.followed_by(fact)))
            }
            Fact::ShipmentCancelled => {
                // Releases nothing if nothing is reserved.
                stock.release(&event.order);
                Ok(None)
            }
            other => Err(Fault::reject(format!("inventory has no use for {other}"))),
        }
    }

    async fn save(&self, tx: &mut Tx, stock: Stock) -> Result<(), Fault> {
        Ok(inventory::save(tx, &stock).await?)
    }
}

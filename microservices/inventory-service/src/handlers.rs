//! Handles the events that inventory subscribes to: a batch of events in one local transaction.

use contracts::Event;
use domain::{Fact, Stock};
use messaging::{BatchHandler, Fault, Tx};
use store::inventory;

pub struct Inventory;

impl BatchHandler for Inventory {
    type Message = Event;
    type State = Stock;
    type Event = Event;

    async fn load(&self, tx: &mut Tx, events: &[Event]) -> Result<Stock, Fault> {
        Ok(inventory::lock_orders(tx, events.iter().map(|event| &event.order)).await?)
    }

    /// Reserves and releases by the same calls as the monolith. If an event comes again, the result
    /// of the first time is sent again, because it may have been lost.
    fn decide(&self, stock: &mut Stock, event: Event) -> Result<Option<Event>, Fault> {
        match event.fact {
            Fact::PaymentAuthorized => {
                let reservation = stock.reserve(&event.order);
                Ok(reservation.decision().map(|fact| event.tells(fact)))
            }
            Fact::ShipmentCancelled => {
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

//! Handles the events that come from the delay queue when cancellation windows end: one local
//! transaction per batch.

use contracts::Event;
use domain::{Fact, Shipment};
use messaging::{BatchHandler, Fault, Tx};
use store::{States, shipping};

/// Dispatches shipments whose cancellation window has ended.
pub struct Dispatch;

impl BatchHandler for Dispatch {
    type Message = Event;
    type State = States<Shipment>;
    type Output = Event;

    async fn load(&self, tx: &mut Tx, events: &[Event]) -> Result<Self::State, Fault> {
        let orders = events.iter().map(|event| event.order.id);
        Ok(shipping::lock(tx, orders).await?.into_iter().collect())
    }

    /// An order that was cancelled within its window is not dispatched.
    fn decide(&self, shipments: &mut Self::State, event: Event) -> Result<Option<Event>, Fault> {
        let shipment = shipments.of(event.order.id);
        let shipment = shipment.ok_or_else(|| Fault::reject("the order has no shipment"))?;
        Ok(shipment
            .dispatch()
            .then(|| event.followed_by(Fact::Dispatched)))
    }

    async fn save(&self, tx: &mut Tx, shipments: Self::State) -> Result<(), Fault> {
        Ok(shipping::save(tx, shipments.changed()).await?)
    }
}

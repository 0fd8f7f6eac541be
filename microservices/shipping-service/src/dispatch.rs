//! Handles the events that come back from the delay queue when cancellation windows end.

use contracts::Event;
use domain::{Fact, Shipment};
use messaging::{BatchHandler, Fault, Tx};
use store::{States, shipping};

/// Dispatches shipments whose cancellation window has ended.
pub struct Dispatch;

impl BatchHandler for Dispatch {
    type Message = Event;
    type State = States<Shipment>;
    type Event = Event;

    async fn load(&self, tx: &mut Tx, events: &[Event]) -> Result<Self::State, Fault> {
        let orders = events.iter().map(|event| event.order.id);
        Ok(shipping::lock(tx, orders).await?.into_iter().collect())
    }

    /// An order that was cancelled within its window stays here.
    fn decide(&self, shipments: &mut Self::State, event: Event) -> Result<Option<Event>, Fault> {
        let shipment = shipments.of(event.order.id);
        let shipment = shipment.ok_or_else(|| Fault::reject("it was never scheduled"))?;
        Ok(shipment.dispatch().then(|| event.tells(Fact::Dispatched)))
    }

    async fn save(&self, tx: &mut Tx, shipments: Self::State) -> Result<(), Fault> {
        Ok(shipping::save_changed(tx, &shipments).await?)
    }
}

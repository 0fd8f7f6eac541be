//! Handles the events that shipping subscribes to: a batch of events in one local transaction. It
//! alone decides between dispatch and cancel.

use std::time::Duration;

use contracts::Event;
use domain::{Fact, Shipment};
use messaging::{BatchHandler, Fault, Tx};
use store::{States, shipping};

/// Schedules and cancels shipments.
#[derive(Clone)]
pub struct Shipping {
    /// How long a confirmed order can still be cancelled.
    pub cancellation_window: Duration,
}

impl BatchHandler for Shipping {
    type Message = Event;
    type State = States<Shipment>;
    type Event = Event;

    /// Locks the shipments. One that is missing is inserted: as scheduled, or as cancelled if the
    /// request to cancel came first. A cancelled shipment never changes.
    async fn load(&self, tx: &mut Tx, events: &[Event]) -> Result<Self::State, Fault> {
        let shipments = events.iter().map(|event| match event.fact {
            Fact::CancelRequested => (&event.order, Shipment::Cancelled),
            _ => (&event.order, Shipment::Scheduled),
        });
        Ok(shipping::open(tx, shipments, self.cancellation_window).await?)
    }

    fn decide(&self, shipments: &mut Self::State, event: Event) -> Result<Option<Event>, Fault> {
        let shipment = shipments
            .of(event.order.id)
            .ok_or_else(|| Fault::retry("no shipment"))?;
        let fact = match event.fact {
            Fact::StockReserved => shipment.decision(),
            Fact::CancelRequested => match shipment.cancel() {
                Ok(()) => Fact::ShipmentCancelled,
                Err(refusal) => refusal.into(), // Too late: the fact `CancelRefused`.
            },
            other => return Err(Fault::reject(format!("shipping has no use for {other}"))),
        };
        Ok(Some(event.tells(fact)))
    }

    async fn save(&self, tx: &mut Tx, shipments: Self::State) -> Result<(), Fault> {
        Ok(shipping::save_changed(tx, &shipments).await?)
    }
}

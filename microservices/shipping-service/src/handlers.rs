//! Handles the events that shipping subscribes to: one local transaction per batch. Shipping alone
//! decides between cancel (here) and dispatch (`dispatch.rs`).
//!
//! The runtime begins the transaction before `load`. After `save` it adds the returned events to
//! the outbox and commits; only then does it send them and delete the messages. If the process dies
//! after the commit, the messages come again, and the inbox ignores them; a relay sends the outbox.

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
    type Output = Event;

    /// Locks the shipments in the order of the orders' ids. A missing one is inserted as scheduled,
    /// or as cancelled if the request to cancel came first: then it stays cancelled.
    async fn load(&self, tx: &mut Tx, events: &[Event]) -> Result<Self::State, Fault> {
        let shipments = events.iter().map(|event| match event.fact {
            Fact::CancelRequested => (&event.order, Shipment::Cancelled),
            _ => (&event.order, Shipment::Scheduled),
        });
        Ok(shipping::insert_missing_and_lock(tx, shipments, self.cancellation_window).await?)
    }

    fn decide(&self, shipments: &mut Self::State, event: Event) -> Result<Option<Event>, Fault> {
        // `load` has inserted or locked it.
        let shipment = shipments
            .of(event.order.id)
            .ok_or_else(|| Fault::retry("the order has no shipment"))?;
        let fact = match event.fact {
            // `ShipmentScheduled`. If the cancel came first, `ShipmentCancelled` again: inventory
            // has reserved stock since.
            Fact::StockReserved => shipment.fact(),
            // A shipment that is cancelled already can be cancelled again.
            Fact::CancelRequested => match shipment.cancel() {
                Ok(()) => Fact::ShipmentCancelled,
                Err(too_late) => too_late.into(), // The fact `CancelRefused`.
            },
            other => return Err(Fault::reject(format!("shipping has no use for {other}"))),
        };
        Ok(Some(event.followed_by(fact)))
    }

    async fn save(&self, tx: &mut Tx, shipments: Self::State) -> Result<(), Fault> {
        Ok(shipping::save(tx, shipments.changed()).await?)
    }
}

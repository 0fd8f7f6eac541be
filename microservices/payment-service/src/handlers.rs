//! Handles the events that payment subscribes to, after [`MoveMoney`](crate::MoveMoney) has called
//! the provider: a batch of events in one local transaction.
//!
//! The runtime owns the transaction: begin, `load` once, `decide` for each event, `save` once,
//! write the returned events to the outbox, commit. Then it deletes the messages and sends.

use contracts::Event;
use domain::{Fact, Payment};
use messaging::{BatchHandler, Fault, Tx};
use store::{States, payments};

/// Records what the provider has done, and publishes whether a payment was authorized or declined.
pub struct RecordPayments;

impl BatchHandler for RecordPayments {
    type Message = (Event, Payment);
    type State = States<Payment>;
    type Event = Event;

    async fn load(&self, tx: &mut Tx, moved: &[Self::Message]) -> Result<Self::State, Fault> {
        // Inserts the payments that are missing, and locks all of them.
        let moved = moved
            .iter()
            .map(|(event, payment)| (&event.order, *payment));
        Ok(payments::open(tx, moved).await?)
    }

    fn decide(
        &self,
        payments: &mut States<Payment>,
        (event, _): (Event, Payment),
    ) -> Result<Option<Event>, Fault> {
        let payment = payments
            .of(event.order.id)
            .ok_or_else(|| Fault::retry("no payment"))?;
        *payment = match event.fact {
            Fact::Dispatched => payment.capture().map_err(Fault::reject)?.done(),
            Fact::StockRejected | Fact::ShipmentCancelled => {
                payment.give_back().map_err(Fault::reject)?.done()
            }
            // An order that was placed: the provider has authorized or declined it.
            _ => return Ok(payment.decision().map(|fact| event.tells(fact))),
        };
        Ok(None)
    }

    async fn save(&self, tx: &mut Tx, payments: States<Payment>) -> Result<(), Fault> {
        Ok(payments::save_changed(tx, &payments).await?)
    }
}

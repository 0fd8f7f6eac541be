//! Handles the events that payment subscribes to: one local transaction per batch.
//!
//! [`MoveMoney`](crate::MoveMoney) has called the provider for each event. That call leaves the
//! process, so it comes before the transaction: no lock waits for the provider. It is idempotent,
//! because a message may come twice.
//!
//! The runtime begins the transaction before `load`. After `save` it adds the returned events to
//! the outbox and commits; only then does it send them and delete the messages. If the process dies
//! after the commit, the messages come again, and the inbox ignores them; a relay sends the outbox.

use contracts::Event;
use domain::{Fact, Payment};
use messaging::{BatchHandler, Fault, Tx};
use store::{States, payments};

/// Records the result of the provider's call, and publishes whether a payment was authorized.
pub struct RecordPayments;

impl BatchHandler for RecordPayments {
    type Message = (Event, Payment);
    type State = States<Payment>;
    type Output = Event;

    /// Locks the orders' payments, in the order of their ids. An order that is new here gets the
    /// payment that the provider's call returned.
    async fn load(&self, tx: &mut Tx, called: &[Self::Message]) -> Result<Self::State, Fault> {
        let payments = called
            .iter()
            .map(|(event, payment)| (&event.order, *payment));
        Ok(payments::insert_missing_and_lock(tx, payments).await?)
    }

    fn decide(
        &self,
        payments: &mut States<Payment>,
        (event, _): (Event, Payment),
    ) -> Result<Option<Event>, Fault> {
        // `load` has inserted or locked it.
        let payment = payments
            .of(event.order.id)
            .ok_or_else(|| Fault::retry("the order has no payment"))?;
        match event.fact {
            // The provider has moved the money already, so what would be due is done. No order gets
            // both a capture and a void, because shipping decides once.
            Fact::Dispatched => *payment = payment.capture().map_err(Fault::reject)?.done(),
            Fact::StockRejected | Fact::ShipmentCancelled => {
                *payment = payment.void_or_refund().map_err(Fault::reject)?.done();
            }
            // Publishes `PaymentAuthorized` or `PaymentDeclined`.
            Fact::OrderPlaced => return Ok(payment.fact().map(|fact| event.followed_by(fact))),
            other => return Err(Fault::reject(format!("payment has no use for {other}"))),
        }
        Ok(None)
    }

    async fn save(&self, tx: &mut Tx, payments: States<Payment>) -> Result<(), Fault> {
        Ok(payments::save(tx, payments.changed()).await?)
    }
}

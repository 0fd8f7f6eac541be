//! What payment does when it is told something. The provider is called before the transaction, so
//! no lock waits for a third party, and idempotently, so a redelivered event does no harm.

use contracts::Event;
use domain::{Fact, Order, Payment};
use messaging::{Fault, TwoPhaseHandler, outbox};
use shop::{Provider, ProviderError};
use sqlx::PgConnection;
use store::payments;

#[derive(Clone)]
pub struct Payments {
    pub provider: Provider,
}

impl TwoPhaseHandler for Payments {
    type Message = Event;
    /// What the provider has done.
    type Outside = Payment;

    /// Before the transaction: moves the money.
    async fn before(&self, event: &Event) -> Result<Payment, Fault> {
        let order = &event.order;
        match event.fact {
            Fact::OrderPlaced => self.provider.authorize(order).await,
            Fact::Dispatched => self.provider.settle(order.id, Payment::CaptureDue).await,
            Fact::StockRejected | Fact::ShipmentCancelled => {
                self.provider.settle(order.id, Payment::VoidDue).await
            }
            other => return Err(Fault::reject(format!("payment has no use for {other}"))),
        }
        .map_err(later)
    }

    /// In the transaction: writes down what was moved, and tells of it.
    async fn handle(
        &self,
        tx: &mut PgConnection,
        event: Event,
        payment: Payment,
    ) -> Result<(), Fault> {
        match payment {
            Payment::Authorized => open(tx, event.order, payment, Fact::PaymentAuthorized).await,
            Payment::Declined => open(tx, event.order, payment, Fact::PaymentDeclined).await,
            settled => close(tx, &event.order, settled).await,
        }
    }
}

async fn open(
    tx: &mut PgConnection,
    order: Order,
    payment: Payment,
    fact: Fact,
) -> Result<(), Fault> {
    // An order that was cancelled before it got here has left its mark, and is not told of.
    if payments::insert(tx, &order, payment).await? {
        outbox::push(tx, &Event::new(fact, order)).await?;
    }
    Ok(())
}

async fn close(tx: &mut PgConnection, order: &Order, settled: Payment) -> Result<(), Fault> {
    if payments::insert(tx, order, settled).await? {
        return Ok(());
    }
    let Some(payment) = payments::lock(tx, order.id).await? else {
        return Err(Fault::retry("the payment was there and is gone"));
    };
    let due = match settled {
        Payment::Captured => payment.capture(),
        _ => payment.give_back(),
    };
    payments::save(tx, order.id, due.map_err(Fault::reject)?.done()).await?;
    Ok(())
}

/// A provider that does not answer now may answer later.
fn later(error: ProviderError) -> Fault {
    Fault::retry(error)
}

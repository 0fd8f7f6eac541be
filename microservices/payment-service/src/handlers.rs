//! What payment does when it is told something. The provider is called before the transaction, so
//! no lock waits for a third party, and idempotently, so a redelivered event does no harm.

use contracts::Event;
use domain::{Fact, OrderId, Payment};
use messaging::{Fault, TwoPhaseBatchHandler, outbox, trace};
use shop::{Provider, ProviderError};
use sqlx::PgConnection;
use store::payments;

#[derive(Clone)]
pub struct Payments {
    pub provider: Provider,
}

impl TwoPhaseBatchHandler for Payments {
    type Message = Event;
    /// What the provider has done.
    type Outside = Payment;

    /// Before the transaction: moves the money.
    async fn before(&self, event: &Event) -> Result<Payment, Fault> {
        let order = &event.order;
        match event.fact {
            Fact::OrderPlaced => self.provider.authorize(order).await,
            Fact::Dispatched => self.provider.send_due(order.id, Payment::CaptureDue).await,
            Fact::StockRejected | Fact::ShipmentCancelled => {
                self.provider.send_due(order.id, Payment::VoidDue).await
            }
            other => return Err(Fault::reject(format!("payment has no use for {other}"))),
        }
        .map_err(again_or_never)
    }

    /// In the transaction: writes down what was moved, and tells of it.
    async fn handle_batch(
        &self,
        tx: &mut PgConnection,
        moved: Vec<(Event, Payment)>,
    ) -> Result<(), Fault> {
        let payments = moved
            .iter()
            .map(|(event, payment)| (&event.order, *payment));
        let mut new = payments::insert(tx, payments).await?;
        let mut known = vec![];
        for (n, (event, payment)) in moved.into_iter().enumerate() {
            match new.remove(&event.order.id) {
                true => trace::nth(n, tell(tx, event, payment)).await?,
                false => known.push((event.order.id, payment)),
            }
        }
        settle(tx, known).await
    }
}

/// Tells how an authorization ended. An order that was cancelled before it got here has only left
/// its mark.
async fn tell(tx: &mut PgConnection, placed: Event, payment: Payment) -> Result<(), Fault> {
    let fact = match payment {
        Payment::Authorized => Fact::PaymentAuthorized,
        Payment::Declined => Fact::PaymentDeclined,
        _ => return Ok(()),
    };
    outbox::push(tx, &placed.tells(fact)).await?;
    Ok(())
}

/// Notes what became of authorizations that were told of before.
async fn settle(tx: &mut PgConnection, settled: Vec<(OrderId, Payment)>) -> Result<(), Fault> {
    if settled.is_empty() {
        return Ok(());
    }
    let mut payments = payments::lock(tx, settled.iter().map(|(order, _)| *order)).await?;
    for (order, settled) in settled {
        let Some(payment) = payments.get_mut(&order) else {
            return Err(Fault::retry("the payment was there and is gone"));
        };
        let due = match settled {
            Payment::Captured => payment.capture(),
            Payment::Voided | Payment::Refunded => payment.give_back(),
            _ => continue,
        };
        *payment = due.map_err(Fault::reject)?.done();
    }
    payments::save(tx, payments).await?;
    Ok(())
}

/// A provider that does not answer now may answer later. What it refuses for good goes to the dead
/// letters with its reason, where a person finds it.
fn again_or_never(error: ProviderError) -> Fault {
    if error.is_final() {
        Fault::reject(error)
    } else {
        Fault::retry(error)
    }
}

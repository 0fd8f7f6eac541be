//! Calls the payment provider: before the transaction, so that no lock waits for a third party, and
//! idempotently, so that an event that comes twice does no harm.

use contracts::Event;
use domain::{Fact, Payment};
use messaging::{Fault, PlainHandler};
use storefront::{Provider, ProviderError};

/// Authorizes, captures, or voids and refunds the payment, depending on the event.
pub struct MoveMoney {
    /// The client of the provider.
    pub provider: Provider,
}

impl PlainHandler for MoveMoney {
    type Message = Event;
    type Output = (Event, Payment);

    async fn handle(&self, event: Event) -> Result<(Event, Payment), Fault> {
        let order = &event.order;
        let payment = match event.fact {
            Fact::OrderPlaced => self.provider.authorize(order).await,
            Fact::Dispatched => self.provider.send_due(order.id, Payment::CaptureDue).await,
            Fact::StockRejected | Fact::ShipmentCancelled => {
                self.provider.send_due(order.id, Payment::VoidDue).await
            }
            other => return Err(Fault::reject(format!("payment has no use for {other}"))),
        };
        Ok((event, payment.map_err(retry_or_reject)?))
    }
}

/// Retries if the provider may succeed later. A call that it refuses for good goes to the
/// dead-letter queue with its reason, for an operator.
fn retry_or_reject(error: ProviderError) -> Fault {
    if error.is_final() {
        Fault::reject(error)
    } else {
        Fault::retry(error)
    }
}

//! Has the payment provider move the money of an order: before the transaction, so no lock waits
//! for a third party, and idempotently, so an event that comes twice does no harm.

use contracts::Event;
use domain::{Fact, Payment};
use messaging::{Fault, PlainHandler};
use storefront::{Provider, ProviderError};

/// Authorizes, captures, or gives back, as the event says.
pub struct MoveMoney {
    pub provider: Provider,
}

impl PlainHandler for MoveMoney {
    type Message = Event;
    type Output = (Event, Payment);

    async fn handle(&self, event: Event) -> Result<(Event, Payment), Fault> {
        let order = &event.order;
        let moved = match event.fact {
            Fact::OrderPlaced => self.provider.authorize(order).await,
            Fact::Dispatched => self.provider.send_due(order.id, Payment::CaptureDue).await,
            Fact::StockRejected | Fact::ShipmentCancelled => {
                self.provider.send_due(order.id, Payment::VoidDue).await
            }
            other => return Err(Fault::reject(format!("payment has no use for {other}"))),
        };
        Ok((event, moved.map_err(again_or_never)?))
    }
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

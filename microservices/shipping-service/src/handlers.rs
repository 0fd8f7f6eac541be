//! What shipping does when it is told something. It alone decides between dispatch and cancel.

use std::time::Duration;

use contracts::Event;
use domain::{Fact, Order, Shipment};
use messaging::{Fault, Handler, outbox};
use sqlx::PgConnection;
use store::shipping;

#[derive(Clone)]
pub struct Shipping {
    /// How long a confirmed order can still be cancelled.
    pub window: Duration,
}

impl Handler for Shipping {
    type Message = Event;

    async fn handle(&self, tx: &mut PgConnection, event: Event) -> Result<(), Fault> {
        match event.fact {
            Fact::StockReserved => self.schedule(tx, event.order).await,
            Fact::ShipmentScheduled => dispatch(tx, event.order).await,
            Fact::CancelRequested => self.cancel(tx, event.order).await,
            other => Err(Fault::reject(format!("shipping has no use for {other}"))),
        }
    }
}

impl Shipping {
    /// Opens the cancellation window: the event comes back to us when the delay queue lets it go.
    async fn schedule(&self, tx: &mut PgConnection, order: Order) -> Result<(), Fault> {
        // An order that was cancelled before it got here has left its mark, and is not shipped.
        if shipping::insert(tx, order.id, Shipment::Scheduled, self.window).await? {
            outbox::push(tx, &Event::new(Fact::ShipmentScheduled, order)).await?;
        }
        Ok(())
    }

    /// Cancels the shipment, were it one that is not scheduled yet, or says that it is too late.
    async fn cancel(&self, tx: &mut PgConnection, order: Order) -> Result<(), Fault> {
        let first = shipping::insert(tx, order.id, Shipment::Cancelled, self.window).await?;
        let fact = if first {
            Fact::ShipmentCancelled
        } else {
            decide(tx, &order).await?
        };
        outbox::push(tx, &Event::new(fact, order)).await?;
        Ok(())
    }
}

/// The window has ended. An order that was cancelled within it stays where it is.
async fn dispatch(tx: &mut PgConnection, order: Order) -> Result<(), Fault> {
    let Some(mut shipment) = shipping::lock(tx, order.id).await? else {
        return Err(Fault::reject("a shipment to dispatch was never scheduled"));
    };
    if shipment.dispatch() {
        shipping::save(tx, order.id, shipment).await?;
        outbox::push(tx, &Event::new(Fact::Dispatched, order)).await?;
    }
    Ok(())
}

/// The holder of the shipment's row decides.
async fn decide(tx: &mut PgConnection, order: &Order) -> Result<Fact, Fault> {
    let Some(mut shipment) = shipping::lock(tx, order.id).await? else {
        return Err(Fault::retry("the shipment was there and is gone"));
    };
    match shipment.cancel() {
        Ok(()) => {
            shipping::save(tx, order.id, shipment).await?;
            Ok(Fact::ShipmentCancelled)
        }
        Err(refusal) => Ok(refusal.into()),
    }
}

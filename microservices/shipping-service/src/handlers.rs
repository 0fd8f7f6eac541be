//! What shipping does when it is told something. It alone decides between dispatch and cancel.

use std::time::Duration;

use contracts::Event;
use domain::{Fact, OrderId, Shipment};
use messaging::{BatchHandler, Fault, outbox, trace};
use sqlx::PgConnection;
use store::shipping;

#[derive(Clone)]
pub struct Shipping {
    /// How long a confirmed order can still be cancelled.
    pub window: Duration,
}

/// What to do when cancellation windows end.
pub struct Dispatch;

impl BatchHandler for Shipping {
    type Message = Event;

    /// One by one and in the order of their ids, as [`Dispatch`] locks them: the two never wait in
    /// a circle.
    async fn handle_batch(&self, tx: &mut PgConnection, events: Vec<Event>) -> Result<(), Fault> {
        let mut events: Vec<_> = events.into_iter().enumerate().collect();
        events.sort_by_key(|(_, event)| event.order.id);
        for (n, event) in events {
            trace::nth(n, self.handle(tx, event)).await?;
        }
        Ok(())
    }
}

impl Shipping {
    async fn handle(&self, tx: &mut PgConnection, event: Event) -> Result<(), Fault> {
        match event.fact {
            Fact::StockReserved => self.schedule(tx, event).await,
            Fact::CancelRequested => self.cancel(tx, event).await,
            other => Err(Fault::reject(format!("shipping has no use for {other}"))),
        }
    }

    /// Opens the cancellation window: the event comes back to us when the delay queue lets it go.
    async fn schedule(&self, tx: &mut PgConnection, reserved: Event) -> Result<(), Fault> {
        let order = reserved.order.id;
        let new = shipping::insert(tx, [order], Shipment::Scheduled, self.window).await?;
        // An order that was cancelled before it got here has left its mark, and is not shipped.
        if new.contains(&order) {
            outbox::push(tx, &reserved.tells(Fact::ShipmentScheduled)).await?;
        }
        Ok(())
    }

    /// Cancels the shipment, were it one that is not scheduled yet, or says that it is too late.
    async fn cancel(&self, tx: &mut PgConnection, requested: Event) -> Result<(), Fault> {
        let order = requested.order.id;
        let new = shipping::insert(tx, [order], Shipment::Cancelled, self.window).await?;
        let fact = match new.contains(&order) {
            true => Fact::ShipmentCancelled,
            false => decide(tx, order).await?,
        };
        outbox::push(tx, &requested.tells(fact)).await?;
        Ok(())
    }
}

impl BatchHandler for Dispatch {
    type Message = Event;

    /// Orders that were cancelled within their windows stay where they are.
    async fn handle_batch(&self, tx: &mut PgConnection, ended: Vec<Event>) -> Result<(), Fault> {
        let mut shipments = shipping::lock(tx, ended.iter().map(|event| event.order.id)).await?;
        for (n, scheduled) in ended.into_iter().enumerate() {
            let Some(shipment) = shipments.get_mut(&scheduled.order.id) else {
                return Err(Fault::reject("a shipment to dispatch was never scheduled"));
            };
            if shipment.dispatch() {
                let dispatched = scheduled.tells(Fact::Dispatched);
                trace::nth(n, outbox::push(tx, &dispatched)).await?;
            }
        }
        shipping::save(tx, shipments).await?;
        Ok(())
    }
}

/// The holder of the shipment's row decides.
async fn decide(tx: &mut PgConnection, order: OrderId) -> Result<Fact, Fault> {
    let mut shipments = shipping::lock(tx, [order]).await?;
    let Some(mut shipment) = shipments.remove(&order) else {
        return Err(Fault::retry("the shipment was there and is gone"));
    };
    match shipment.cancel() {
        Ok(()) => {
            shipping::save(tx, [(order, shipment)]).await?;
            Ok(Fact::ShipmentCancelled)
        }
        Err(refusal) => Ok(refusal.into()),
    }
}

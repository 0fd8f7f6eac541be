//! What inventory does when it is told something: one event, one local transaction.

use contracts::Event;
use domain::{Fact, Order, Reservation};
use messaging::{Fault, Handler, outbox};
use sqlx::PgConnection;
use store::inventory;

pub struct Inventory;

impl Handler for Inventory {
    type Message = Event;

    async fn handle(&self, tx: &mut PgConnection, event: Event) -> Result<(), Fault> {
        match event.fact {
            Fact::PaymentAuthorized => reserve(tx, event.order).await,
            Fact::ShipmentCancelled => release(tx, event.order).await,
            other => Err(Fault::reject(format!("inventory has no use for {other}"))),
        }
    }
}

/// Sets the order's pieces aside, all of them or none.
async fn reserve(tx: &mut PgConnection, order: Order) -> Result<(), Fault> {
    // An order that was cancelled before it got here has left its mark, and takes nothing.
    if !inventory::insert_reservation(tx, &order, Reservation::Held).await? {
        return Ok(());
    }

    let mut stock = inventory::lock(tx, &order.lines).await?;
    let fact = match stock.reserve(&order.lines) {
        Ok(()) => Fact::StockReserved,
        Err(refusal) => {
            inventory::save_reservation(tx, order.id, Reservation::Rejected).await?;
            refusal.into()
        }
    };

    inventory::save(tx, &stock).await?;
    outbox::push(tx, &Event::new(fact, order)).await?;
    Ok(())
}

/// Puts the order's pieces back, or leaves a mark that nothing is to be set aside.
async fn release(tx: &mut PgConnection, order: Order) -> Result<(), Fault> {
    if inventory::insert_reservation(tx, &order, Reservation::Released).await? {
        return Ok(());
    }
    let Some(mut reservation) = inventory::lock_reservation(tx, order.id).await? else {
        return Err(Fault::retry("the reservation was there and is gone"));
    };

    if reservation.release() {
        let mut stock = inventory::lock(tx, &order.lines).await?;
        stock.release(&order.lines);
        inventory::save(tx, &stock).await?;
        inventory::save_reservation(tx, order.id, reservation).await?;
    }
    Ok(())
}

//! What inventory does when it is told something: one event, one local transaction.

use contracts::Event;
use domain::{Fact, Order, Reservation, Stock};
use messaging::{Fault, Handler, outbox, trace};
use sqlx::PgConnection;
use store::inventory;

pub struct Inventory;

impl Handler for Inventory {
    type Message = Event;

    async fn handle(&self, tx: &mut PgConnection, event: Event) -> Result<(), Fault> {
        self.handle_batch(tx, vec![event]).await
    }

    async fn handle_batch(&self, tx: &mut PgConnection, events: Vec<Event>) -> Result<(), Fault> {
        // What all of them need, and in one order: two replicas never wait in a circle.
        let lines = events.iter().flat_map(|event| &event.order.lines);
        let mut stock = inventory::lock(tx, lines).await?;
        for (n, event) in events.into_iter().enumerate() {
            let (fact, order) = (event.fact, event.order);
            match fact {
                Fact::PaymentAuthorized => trace::nth(n, reserve(tx, &mut stock, order)).await?,
                Fact::ShipmentCancelled => release(tx, &mut stock, order).await?,
                other => {
                    return Err(Fault::reject(format!("inventory has no use for {other}")));
                }
            }
        }
        inventory::save(tx, &stock).await?;
        Ok(())
    }
}

/// Sets the order's pieces aside, all of them or none.
async fn reserve(tx: &mut PgConnection, stock: &mut Stock, order: Order) -> Result<(), Fault> {
    // An order that was cancelled before it got here has left its mark, and takes nothing.
    if !inventory::insert_reservation(tx, &order, Reservation::Held).await? {
        return Ok(());
    }
    let fact = match stock.reserve(&order.lines) {
        Ok(()) => Fact::StockReserved,
        Err(refusal) => {
            inventory::save_reservation(tx, order.id, Reservation::Rejected).await?;
            refusal.into()
        }
    };
    outbox::push(tx, &Event::new(fact, order)).await?;
    Ok(())
}

/// Puts the order's pieces back, or leaves a mark that nothing is to be set aside.
async fn release(tx: &mut PgConnection, stock: &mut Stock, order: Order) -> Result<(), Fault> {
    if inventory::insert_reservation(tx, &order, Reservation::Released).await? {
        return Ok(());
    }
    let Some(mut reservation) = inventory::lock_reservation(tx, order.id).await? else {
        return Err(Fault::retry("the reservation was there and is gone"));
    };
    if reservation.release() {
        stock.release(&order.lines);
        inventory::save_reservation(tx, order.id, reservation).await?;
    }
    Ok(())
}

//! Cancelling an order: the lock on its shipment decides the race against the dispatch.

use domain::{CancelDecision, Cancellation, Fact, Order, OrderId, Refusal};
use sqlx::PgConnection;
use store::orders::OrderRecord;
use store::{facts, inventory, payments, shipping};

use crate::{Error, Shop};

/// Cancels the order, or returns that it is too late. The request is recorded as a fact in both
/// cases, unless the order ended before it had a shipment. A repeated request is answered from the
/// facts.
pub async fn cancel_order(shop: &Shop, record: &OrderRecord) -> Result<CancelDecision, Error> {
    match Cancellation::of(record.facts) {
        Cancellation::Done => return Ok(Ok(())),
        Cancellation::Refused => return Ok(Err(Refusal::TooLateToCancel)),
        Cancellation::None | Cancellation::Requested => {}
    }

    let _permit = shop.product_limit.acquire(&record.order.lines).await?;
    let mut tx = database::begin(&shop.db).await?;
    let decision = decide(&mut tx, &record.order).await?;
    tx.commit().await?;

    shop.payment_due.wake();
    Ok(decision)
}

/// Locks the shipment, then the stock, then the payment.
async fn decide(tx: &mut PgConnection, order: &Order) -> Result<CancelDecision, Error> {
    let mut shipments = shipping::lock(tx, [order.id]).await?;
    let Some(mut shipment) = shipments.remove(&order.id) else {
        // Declined or out of stock: the order was cancelled before it had a shipment.
        return Ok(Ok(()));
    };

    let decision = shipment.cancel();
    let outcome = match decision {
        Ok(()) => {
            shipping::save(tx, [(order.id, shipment)]).await?;
            release_stock(tx, order).await?;
            void_or_refund(tx, order.id).await?;
            Fact::ShipmentCancelled
        }
        Err(refusal) => refusal.into(),
    };
    facts::record(tx, [(order.id, Fact::CancelRequested), (order.id, outcome)]).await?;
    Ok(decision)
}

async fn release_stock(tx: &mut PgConnection, order: &Order) -> Result<(), Error> {
    let mut stock = inventory::lock_orders(tx, [order]).await?;
    stock.release(order);
    inventory::save(tx, &stock).await?;
    Ok(())
}

/// Marks the money as due to go back. `payment_due` calls the provider after the commit.
async fn void_or_refund(tx: &mut PgConnection, order: OrderId) -> Result<(), Error> {
    for (order, payment) in payments::lock(tx, [order]).await? {
        payments::save(tx, [(order, payment.void_or_refund()?)]).await?;
    }
    Ok(())
}

//! Cancelling an order: the row lock on its shipment decides the race against the dispatch.

use domain::{CancelDecision, Cancellation, Fact, Order, OrderId, Refusal};
use sqlx::PgConnection;
use store::orders::KnownOrder;
use store::{inventory, orders, payments, shipping};

use crate::{Error, Shop};

/// Cancels the order, or returns that it is too late. Either way the request to cancel is a fact
/// of the order, unless the order had ended before there was anything to ship. A request that was
/// decided before is answered from the facts.
pub async fn cancel_order(shop: &Shop, known: &KnownOrder) -> Result<CancelDecision, Error> {
    match Cancellation::of(known.facts) {
        Cancellation::Done => return Ok(Ok(())),
        Cancellation::Refused => return Ok(Err(Refusal::TooLateToCancel)),
        Cancellation::None | Cancellation::Requested => {}
    }

    let _place = shop.places.take(&known.order.lines).await?;
    let mut tx = database::begin(&shop.db).await?;
    let decision = decide(&mut tx, known).await?;
    tx.commit().await?;

    shop.payment_due.wake();
    Ok(decision)
}

async fn decide(tx: &mut PgConnection, known: &KnownOrder) -> Result<CancelDecision, Error> {
    let order = &known.order;
    let mut shipments = shipping::lock(tx, [order.id]).await?;
    let Some(mut shipment) = shipments.remove(&order.id) else {
        // Declined or out of stock: it was cancelled before anything was to be shipped.
        return Ok(Ok(()));
    };

    let decision = shipment.cancel();
    let outcome = match decision {
        Ok(()) => {
            shipping::save(tx, [(order.id, shipment)]).await?;
            release_stock(tx, order).await?;
            give_money_back(tx, order.id).await?;
            Fact::ShipmentCancelled
        }
        Err(refusal) => refusal.into(),
    };
    orders::record(tx, [(order.id, Fact::CancelRequested), (order.id, outcome)]).await?;
    Ok(decision)
}

async fn release_stock(tx: &mut PgConnection, order: &Order) -> Result<(), Error> {
    let mut stock = inventory::lock_orders(tx, [order]).await?;
    stock.release(order);
    inventory::save(tx, &stock).await?;
    Ok(())
}

/// Marks the money as due to be given back. `payment_due` calls the provider after the commit.
async fn give_money_back(tx: &mut PgConnection, order: OrderId) -> Result<(), Error> {
    for (order, payment) in payments::lock(tx, [order]).await? {
        payments::save(tx, [(order, payment.give_back()?)]).await?;
    }
    Ok(())
}

//! Placing an order: one call, one transaction.
//!
//! Payment, stock and shipment are decided before the customer has an answer. Undo is `rollback`,
//! for everything but the provider, which no database can roll back.

use std::time::Duration;

use domain::{Fact, Order, Payment, Reservation, Shipment, Status};
use sqlx::PgConnection;
use store::orders::{Idempotency, KnownOrder};
use store::{inventory, orders, payments, shipping};

use crate::void_unless_kept::VoidUnlessKept;
use crate::{Error, Shop};

/// Places the order. Returns `None`, and changes nothing, when its key has placed one before.
pub async fn place_order(
    shop: &Shop,
    order: Order,
    idempotency: &Idempotency,
) -> Result<Option<KnownOrder>, Error> {
    // Idempotent, and before the transaction: no lock waits for a third party.
    let authorization = VoidUnlessKept::new(&shop.provider, order.id);
    let payment = shop.provider.authorize(&order).await?;

    // Orders that wait for a product hold no connection.
    let _place = shop.places.take(&order.lines).await?;
    // Dropped by an error, the transaction is rolled back.
    let mut tx = database::begin(&shop.db).await?;
    let facts = decide(&mut tx, &order, payment, shop.window).await?;
    let Some(placed) = orders::insert(&mut tx, order, idempotency, &facts).await? else {
        return Ok(None);
    };
    authorization.keep();
    tx.commit().await.map_err(Error::Commit)?;

    if placed.status() == Status::Cancelled {
        shop.payment_due.wake();
    }
    Ok(Some(placed))
}

/// Decides everything about the order: payment, stock and shipment.
async fn decide(
    tx: &mut PgConnection,
    order: &Order,
    mut payment: Payment,
    window: Duration,
) -> Result<Vec<Fact>, Error> {
    let mut facts = vec![Fact::OrderPlaced];
    if payment == Payment::Declined {
        facts.push(Fact::PaymentDeclined);
    } else {
        facts.push(Fact::PaymentAuthorized);
        let mut stock = inventory::lock(tx, &order.lines).await?;
        if stock.reserve(order) == Reservation::Held {
            shipping::insert(tx, [order.id], Shipment::Scheduled, window).await?;
            facts.extend([Fact::StockReserved, Fact::ShipmentScheduled]);
        } else {
            payment = payment.give_back()?;
            facts.push(Fact::StockRejected);
        }
        inventory::save(tx, &stock).await?;
    }
    // The sweep claims an order under the same key. It came first when the row is there.
    let inserted = payments::insert(tx, [(order, payment)]).await?;
    if !inserted.contains(&order.id) {
        return Err(Error::Voided);
    }
    Ok(facts)
}

//! Placing an order: one call, one transaction.
//!
//! Payment, stock and shipment are decided before the customer has an answer. On a failure the
//! database rolls back. The provider cannot: there [`VoidUnlessKept`] voids the authorization.

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
    // To authorize one order twice charges once. It comes before the transaction, so that no row
    // is locked while we wait for the provider. Left before `keep()`, this function has it voided;
    // a repeated request has an order id of its own, so only its own authorization is voided.
    let authorization = VoidUnlessKept::new(&shop.provider, order.id);
    let payment = shop.provider.authorize(&order).await?;

    // Waits in memory for its turn at each product, before it takes a connection.
    let _place = shop.places.take(&order.lines).await?;
    // Dropped without a commit, the transaction is rolled back.
    let mut tx = database::begin(&shop.db).await?;
    let facts = decide(&mut tx, &order, payment, shop.window).await?;
    let Some(placed) = orders::insert(&mut tx, order, idempotency, &facts).await? else {
        return Ok(None);
    };
    // Before the commit: if its result is unknown, the sweep finds out and voids.
    authorization.keep();
    tx.commit().await.map_err(Error::Commit)?;

    // Out of stock: the money goes back. Without this wake it does so a second later.
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
    // The sweep voids authorizations that have no order. Before that it inserts a payment row with
    // the id of the order. If that row is here, the sweep came first, and this order must fail.
    let inserted = payments::insert(tx, [(order, payment)]).await?;
    if !inserted.contains(&order.id) {
        return Err(Error::Voided);
    }
    Ok(facts)
}

//! Placing an order: one call, one transaction.
//!
//! Payment, stock and shipment are decided before the customer gets an answer. On an error the
//! database rolls back. The provider cannot, so [`VoidUnlessKept`] voids the authorization. If the
//! commit fails, or the process dies before it, the sweep (`sweep.rs`) finds an authorization that
//! has no payment row, and voids it.
//!
//! If the process dies after the commit, the order exists. The customer repeats the request and
//! gets the order by its idempotency key. A void that is still due is a row: the task `payment_due`
//! of any process reads it and calls the provider.

use std::time::Duration;

use domain::{Fact, Order, Payment, Reservation, Shipment, Status};
use sqlx::PgConnection;
use store::orders::{Idempotency, OrderRecord};
use store::{inventory, orders, payments, shipping};

use crate::void_unless_kept::VoidUnlessKept;
use crate::{Error, Shop};

/// Places the order. If its key has placed an order before, returns `None`, saves nothing and voids
/// the new authorization. A void names the order id, and each attempt has an id of its own: the
/// earlier order keeps its authorization.
pub async fn place_order(
    shop: &Shop,
    order: Order,
    idempotency: &Idempotency,
) -> Result<Option<OrderRecord>, Error> {
    // Leaves the process, so it comes before the transaction: no lock waits for the provider. The
    // guard is made first, because the answer of the call can be lost.
    let authorization = VoidUnlessKept::new(&shop.provider, order.id);
    let payment = shop.provider.authorize(&order).await?;

    // Limits the orders per product that hold a connection. The others wait here, without one.
    let _permit = shop.product_limit.acquire(&order.lines).await?;
    let mut tx = database::begin(&shop.db).await?; // Rolled back if it is dropped.
    let facts = decide(&mut tx, &order, payment, shop.cancellation_window).await?;
    let Some(record) = orders::insert(&mut tx, order, idempotency, &facts).await? else {
        return Ok(None); // Rolls back, and voids the authorization.
    };
    // Before the commit, whose result may stay unknown: the guard must not void any more.
    authorization.keep();
    tx.commit().await.map_err(Error::Commit)?;

    // Only an order without stock begins as cancelled. Wakes the task that voids its authorization;
    // otherwise the task looks once per second.
    if record.status() == Status::Cancelled {
        shop.payment_due.wake();
    }
    Ok(Some(record))
}

/// Decides payment, stock and shipment, and saves them. The caller then inserts the order's own row
/// with the facts that this returns.
async fn decide(
    tx: &mut PgConnection,
    order: &Order,
    mut payment: Payment,
    cancellation_window: Duration,
) -> Result<Vec<Fact>, Error> {
    let mut facts = vec![Fact::OrderPlaced];
    if payment == Payment::Declined {
        facts.push(Fact::PaymentDeclined);
    } else {
        facts.push(Fact::PaymentAuthorized);
        // Orders share only the rows of stock. They are locked in SKU order: no deadlock.
        let mut stock = inventory::lock(tx, &order.lines).await?;
        if stock.reserve(order) == Reservation::Held {
            shipping::insert(tx, [order.id], Shipment::Scheduled, cancellation_window).await?;
            facts.extend([Fact::StockReserved, Fact::ShipmentScheduled]);
        } else {
            // Saved as `VoidDue`. The task `payment_due` calls the provider after the commit.
            payment = payment.void_or_refund()?;
            facts.push(Fact::StockRejected);
        }
        inventory::save(tx, &stock).await?;
    }
    // The sweep voids old authorizations that have no payment row, and first inserts that row. If
    // this order took so long that the row is there, its authorization is void, and it must fail.
    let inserted = payments::insert(tx, [(order, payment)]).await?;
    if !inserted.contains(&order.id) {
        return Err(Error::Voided);
    }
    Ok(facts)
}

//! Placing an order: one call, one transaction.
//!
//! Payment, stock and shipment are decided before the customer has an answer. Undo is `rollback`,
//! for everything but the provider, which no database can roll back.

use domain::{Fact, IllegalMove, Order, OrderId, Payment, Reservation, Shipment, Status};
use shop::ProviderError;
use sqlx::PgConnection;
use store::orders::{Idempotency, KnownOrder};
use store::{inventory, orders, payments, shipping};
use thiserror::Error;
use tracing::warn;

use crate::Shop;

#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Nobody knows whether the transaction is there.
    #[error("the commit failed: {0}")]
    Commit(#[source] sqlx::Error),
    #[error(transparent)]
    IllegalMove(#[from] IllegalMove),
}

/// Places the order. `None`, and nothing done, when its key has placed one before.
pub async fn place_order(
    shop: &Shop,
    order: Order,
    idempotency: &Idempotency,
) -> Result<Option<KnownOrder>, Error> {
    let id = order.id;
    let placed = transact(shop, order, idempotency).await;
    match &placed {
        Ok(Some(known)) if known.status() == Status::Cancelled => shop.settlement.wake(),
        // The sweep asks the database what a failed commit has left.
        Ok(Some(_)) | Err(Error::Commit(_)) => {}
        Ok(None) | Err(_) => give_back(shop, id),
    }
    placed
}

async fn transact(
    shop: &Shop,
    order: Order,
    idempotency: &Idempotency,
) -> Result<Option<KnownOrder>, Error> {
    // Idempotent, and before the transaction: no lock waits for a third party.
    let payment = shop.provider.authorize(&order).await?;

    // Orders that wait for a product hold no connection.
    let _place = shop.places.take(&order.lines).await?;
    // Left by an error, it is rolled back.
    let mut tx = database::begin(&shop.db).await?;
    let facts = decide(shop, &mut tx, &order, payment).await?;
    let placed = orders::insert(&mut tx, order, idempotency, &facts).await?;
    match placed {
        Some(_) => tx.commit().await.map_err(Error::Commit)?,
        None => tx.rollback().await?,
    }
    Ok(placed)
}

/// Everything that becomes of the order, within its one transaction.
async fn decide(
    shop: &Shop,
    tx: &mut PgConnection,
    order: &Order,
    mut payment: Payment,
) -> Result<Vec<Fact>, Error> {
    let mut facts = vec![Fact::OrderPlaced];
    if payment == Payment::Declined {
        facts.push(Fact::PaymentDeclined);
    } else {
        facts.push(Fact::PaymentAuthorized);
        let mut stock = inventory::lock(tx, &order.lines).await?;
        if stock.reserve(order) == Reservation::Held {
            shipping::insert(tx, [order.id], Shipment::Scheduled, shop.window).await?;
            facts.extend([Fact::StockReserved, Fact::ShipmentScheduled]);
        } else {
            payment = payment.give_back()?;
            facts.push(Fact::StockRejected);
        }
        inventory::save(tx, &stock).await?;
    }
    payments::insert(tx, [(order, payment)]).await?;
    Ok(facts)
}

/// Voids what the provider may have authorized, beside the answer to the customer.
fn give_back(shop: &Shop, order: OrderId) {
    let provider = shop.provider.clone();
    tokio::spawn(async move {
        if let Err(error) = provider.void(order).await {
            warn!(%error, %order, "left an authorization to the sweep");
        }
    });
}

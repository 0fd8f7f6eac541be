//! Placing an order: one call, one transaction.
//!
//! Payment, stock and shipment are decided before the customer has an answer. Undo is `rollback`,
//! for everything but the provider, which no database can roll back.

use domain::{Fact, Facts, IllegalMove, Order, Payment, Reservation, Shipment, Status};
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
    #[error(transparent)]
    IllegalMove(#[from] IllegalMove),
}

/// Places the order. `None`, and nothing done, when its key has placed one before.
pub async fn place_order(
    shop: &Shop,
    order: Order,
    idempotency: &Idempotency,
) -> Result<Option<KnownOrder>, Error> {
    // Idempotent, and before the transaction: no lock waits for a third party.
    let payment = shop.provider.authorize(&order).await?;

    let mut tx = shop.db.begin().await?;
    let decided = decide(shop, &mut tx, &order, idempotency, payment).await;
    if let Ok(Some((placed_at, facts))) = decided {
        // Should the commit fail, nobody knows whether it happened: the sweep asks the database.
        tx.commit().await?;
        let known = KnownOrder {
            order,
            facts,
            placed_at,
        };
        if known.status() == Status::Cancelled {
            shop.settlement.wake();
        }
        return Ok(Some(known));
    }

    tx.rollback().await?;
    if let Err(error) = shop.provider.void(order.id).await {
        warn!(%error, order = %order.id, "left an authorization to the sweep");
    }
    decided.map(|_| None)
}

/// Everything that becomes of the order, within its one transaction.
async fn decide(
    shop: &Shop,
    tx: &mut PgConnection,
    order: &Order,
    idempotency: &Idempotency,
    payment: Payment,
) -> Result<Option<(time::OffsetDateTime, Facts)>, Error> {
    let facts = match payment {
        Payment::Declined => decline(tx, order).await?,
        authorized => fulfil(shop, tx, order, authorized).await?,
    };
    let placed_at = orders::insert(tx, order, idempotency, &facts).await?;
    Ok(placed_at.map(|placed_at| (placed_at, facts.into_iter().collect())))
}

async fn decline(tx: &mut PgConnection, order: &Order) -> Result<Vec<Fact>, Error> {
    payments::insert(tx, [(order, Payment::Declined)]).await?;
    Ok(vec![Fact::OrderPlaced, Fact::PaymentDeclined])
}

async fn fulfil(
    shop: &Shop,
    tx: &mut PgConnection,
    order: &Order,
    authorized: Payment,
) -> Result<Vec<Fact>, Error> {
    let mut facts = vec![Fact::OrderPlaced, Fact::PaymentAuthorized];
    let mut stock = inventory::lock(tx, &order.lines).await?;

    match stock.reserve(&order.lines) {
        Ok(()) => {
            inventory::save(tx, &stock).await?;
            inventory::insert_reservation(tx, order, Reservation::Held).await?;
            payments::insert(tx, [(order, authorized)]).await?;
            shipping::insert(tx, [order.id], Shipment::Scheduled, shop.window).await?;
            facts.extend([Fact::StockReserved, Fact::ShipmentScheduled]);
        }
        Err(refusal) => {
            inventory::insert_reservation(tx, order, Reservation::Rejected).await?;
            payments::insert(tx, [(order, authorized.give_back()?)]).await?;
            facts.push(refusal.into());
        }
    }
    Ok(facts)
}

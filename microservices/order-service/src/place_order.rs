//! Placing an order: the order and its event are committed in one local transaction.
//!
//! The other services decide payment, stock and shipment later; the customer follows the order.
//! Undo is not a rollback: it is an event, and a handler in each service that must undo its part.
//! If the process dies after the commit, the relay of the next process sends the event.

use contracts::{Event, ExpireOrder};
use domain::{Fact, Order};
use store::orders::{self, Idempotency, OrderRecord};
use thiserror::Error;

use crate::Orders;

/// Why an order cannot be placed or cancelled.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Outbox(#[from] messaging::Error),
}

/// Places the order. Returns `None`, and changes nothing, if its key has placed an order before.
pub(crate) async fn place_order(
    service: &Orders,
    order: Order,
    idempotency: &Idempotency,
) -> Result<Option<OrderRecord>, Error> {
    let mut tx = service.outbox.begin().await?;
    let inserted = orders::insert(&mut tx, order, idempotency, &[Fact::OrderPlaced]).await?;
    let Some(record) = inserted else {
        return Ok(None);
    };
    let order = record.order.clone();
    tx.push(&Event::at(Fact::OrderPlaced, order, record.placed_at))?;
    tx.push(&ExpireOrder {
        order: record.order.id,
        after: service.expiry,
    })?;
    tx.commit().await?;
    Ok(Some(record))
}

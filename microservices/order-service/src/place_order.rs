//! Placing an order: recorded with the event that tells of it, in one local transaction.
//!
//! Payment, stock and shipment are decided later and elsewhere; the customer follows the order.
//! Undo is not a rollback here: it is an event and a handler in each service that did something.

use contracts::{Event, ExpireOrder};
use domain::{Fact, Order};
use store::orders;
use store::orders::{Idempotency, KnownOrder};
use thiserror::Error;

use crate::Orders;

#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Outbox(#[from] messaging::Error),
}

/// Places the order. Returns `None`, and changes nothing, when its key has placed one before.
pub(crate) async fn place_order(
    service: &Orders,
    order: Order,
    idempotency: &Idempotency,
) -> Result<Option<KnownOrder>, Error> {
    let mut tx = service.outbox.begin().await?;
    let placed = orders::insert(&mut tx, order, idempotency, &[Fact::OrderPlaced]).await?;
    let Some(known) = placed else {
        return Ok(None);
    };
    let order = known.order.clone();
    tx.push(&Event::at(Fact::OrderPlaced, order, known.placed_at))?;
    tx.push(&ExpireOrder {
        order: known.order.id,
        after: service.expiry,
    })?;
    tx.commit().await?;
    Ok(Some(known))
}

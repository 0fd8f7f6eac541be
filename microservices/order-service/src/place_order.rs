//! Placing an order: written down with the event that tells of it, in one local transaction.
//!
//! Payment, stock and shipment are decided later and elsewhere; the customer follows the order.
//! Undo is not a rollback here: it is an event and a handler in each service that did something.

use contracts::{Event, ExpireOrder};
use domain::{Fact, Facts, Order};
use messaging::outbox;
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

/// Places the order. `None`, and nothing done, when its key has placed one before.
pub(crate) async fn place_order(
    service: &Orders,
    order: Order,
    idempotency: &Idempotency,
) -> Result<Option<KnownOrder>, Error> {
    let mut tx = service.db.begin().await?;
    let Some(placed_at) = orders::insert(&mut tx, &order, idempotency).await? else {
        return Ok(None);
    };
    orders::record(&mut tx, [(order.id, Fact::OrderPlaced)]).await?;
    outbox::push(&mut tx, &Event::new(Fact::OrderPlaced, order.clone())).await?;
    outbox::push(
        &mut tx,
        &ExpireOrder {
            order: order.id,
            after: service.expiry,
        },
    )
    .await?;
    tx.commit().await?;

    service.relay.wake();
    let facts = Facts::none().with(Fact::OrderPlaced);
    Ok(Some(KnownOrder {
        order,
        facts,
        placed_at,
    }))
}

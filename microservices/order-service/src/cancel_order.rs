//! Cancelling an order: a wish, passed on to shipping, which alone decides the race against the
//! dispatch.

use contracts::Event;
use domain::{Cancellation, Fact, Refusal, Status};
use messaging::outbox;
use sqlx::PgConnection;
use store::orders;
use store::orders::KnownOrder;

use crate::Orders;
use crate::place_order::Error;

/// Asks for the order to be cancelled, unless it is known already how that would end.
pub(crate) async fn cancel_order(
    service: &Orders,
    known: &KnownOrder,
) -> Result<Result<(), Refusal>, Error> {
    if known.status() == Status::Dispatched || refused(known) {
        return Ok(Err(Refusal::TooLateToCancel));
    }
    if known.status() == Status::Cancelled {
        return Ok(Ok(()));
    }

    let mut tx = service.db.begin().await?;
    request_cancellation(&mut tx, known).await?;
    tx.commit().await?;

    service.relay.wake();
    Ok(Ok(()))
}

/// Notes the wish and tells shipping of it.
pub(crate) async fn request_cancellation(
    tx: &mut PgConnection,
    known: &KnownOrder,
) -> Result<(), Error> {
    let requested = Event::new(Fact::CancelRequested, known.order.clone());
    let fact = (known.order.id, requested.fact, requested.happened_at);
    orders::record_at(tx, [fact]).await?;
    outbox::push(tx, &requested).await?;
    Ok(())
}

fn refused(known: &KnownOrder) -> bool {
    Cancellation::of(known.facts) == Cancellation::Refused
}

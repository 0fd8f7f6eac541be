//! Cancelling an order: a request, passed on to shipping, which alone decides the race against the
//! dispatch.

use contracts::Event;
use domain::{CancelDecision, Cancellation, Fact, Refusal, Status};
use messaging::Tx;
use store::orders;
use store::orders::KnownOrder;

use crate::Orders;
use crate::place_order::Error;

/// Requests that the order is cancelled, unless the answer is known already.
pub(crate) async fn cancel_order(
    service: &Orders,
    known: &KnownOrder,
) -> Result<CancelDecision, Error> {
    if known.status() == Status::Dispatched || was_refused(known) {
        return Ok(Err(Refusal::TooLateToCancel));
    }
    // Shipping was asked already, and answers once.
    let is_asked = Cancellation::of(known.facts) == Cancellation::Requested;
    if is_asked || known.status() == Status::Cancelled {
        return Ok(Ok(()));
    }

    let mut tx = service.outbox.begin().await?;
    request_cancellation(&mut tx, known).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Records the request and passes it on to shipping, unless another request has done both.
pub(crate) async fn request_cancellation(tx: &mut Tx, known: &KnownOrder) -> Result<(), Error> {
    let requested = Event::new(Fact::CancelRequested, known.order.clone());
    let fact = (known.order.id, requested.fact, requested.happened_at);
    if orders::record_at(tx, [fact]).await? > 0 {
        tx.push(&requested)?;
    }
    Ok(())
}

fn was_refused(known: &KnownOrder) -> bool {
    Cancellation::of(known.facts) == Cancellation::Refused
}

//! Cancelling an order: the request is sent to shipping, which alone decides the race against the
//! dispatch.

use std::time::Duration;

use contracts::Event;
use domain::{CancelDecision, Cancellation, Fact, Refusal, Status};
use messaging::Tx;
use store::orders::OrderRecord;
use store::{facts, overdue};

use crate::Orders;
use crate::place_order::Error;

/// Requests that the order is cancelled, unless its facts contain the answer already.
pub(crate) async fn cancel_order(
    service: &Orders,
    record: &OrderRecord,
) -> Result<CancelDecision, Error> {
    let (status, cancellation) = (record.status(), Cancellation::of(record.facts));
    if status == Status::Dispatched || cancellation == Cancellation::Refused {
        return Ok(Err(Refusal::TooLateToCancel));
    }
    // After the first request, shipping has it already.
    if status == Status::Cancelled || cancellation == Cancellation::Requested {
        return Ok(Ok(()));
    }

    let mut tx = service.outbox.begin().await?;
    request_cancellation(&mut tx, record, service.answer_within).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Records the request and sends it to shipping, unless another request has done both. After
/// `answer_within`, it is checked whether shipping has answered.
pub(crate) async fn request_cancellation(
    tx: &mut Tx,
    record: &OrderRecord,
    answer_within: Duration,
) -> Result<(), Error> {
    overdue::check_after(tx, [record.order.id], answer_within).await?;
    let requested = Event::new(Fact::CancelRequested, record.order.clone());
    let fact = (record.order.id, requested.fact, requested.happened_at);
    if facts::record_at(tx, [fact]).await? > 0 {
        tx.push(&requested)?;
    }
    Ok(())
}

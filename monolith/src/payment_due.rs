//! Captures, voids and refunds that a transaction has marked as due.
//!
//! Each is a row, so after a crash the next round finds it. The provider is called outside of every
//! transaction, and idempotently: two replicas that send the same call do no harm.

use std::time::Duration;

use domain::{OrderId, Payment};
use futures::{StreamExt, stream};
use metrics::counter;
use store::payments;
use storefront::ProviderError;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::every::every;
use crate::{Error, Shop};

/// A commit wakes the next round. The interval is for rows that a dead process has left.
const INTERVAL: Duration = Duration::from_secs(1);
const BATCH: i64 = 100;
/// Concurrent calls to the provider.
const CONCURRENT_CALLS: usize = 8;

/// Sends the calls that are due, until `shutdown`.
pub async fn run(shop: Shop, shutdown: CancellationToken) -> anyhow::Result<()> {
    let work = || send_due(&shop);
    every(INTERVAL, &shop.payment_due, "payments", shutdown, work).await;
    Ok(())
}

/// Sends the calls that are due, and returns how many payments have ended.
pub async fn send_due(shop: &Shop) -> Result<usize, Error> {
    let mut sent = 0;
    loop {
        let due = payments::due(&mut *database::lend(&shop.db).await?, BATCH).await?;
        let may_be_more = due.len() as i64 == BATCH;
        let ended = send_batch(shop, due).await?;
        sent += ended;
        if ended == 0 || !may_be_more {
            return Ok(sent);
        }
    }
}

/// Calls the provider for each payment, then saves the results of all of them.
async fn send_batch(shop: &Shop, due: Vec<(OrderId, Payment)>) -> Result<usize, Error> {
    let mut calls = stream::iter(due)
        .map(|(order, due)| send(shop, order, due))
        .buffer_unordered(CONCURRENT_CALLS);
    let (mut ended, mut postponed, mut last_error) = (vec![], vec![], None);
    while let Some((order, due, answer)) = calls.next().await {
        match answer {
            Ok(done) => ended.push((order, due, done)),
            Err(error) => {
                postponed.push(order);
                last_error = Some(error);
            }
        }
    }

    let count = ended.len();
    if !ended.is_empty() {
        payments::finish(&mut *database::lend(&shop.db).await?, ended).await?;
    }
    if let Some(error) = last_error {
        warn!(%error, payments = postponed.len(), "postponed payments that are due");
        payments::postpone(&mut *database::lend(&shop.db).await?, postponed).await?;
    }
    Ok(count)
}

/// Sends the call that is due, and returns the payment's new state. An error is transient, or ends
/// when an operator fixes its cause.
async fn send(
    shop: &Shop,
    order: OrderId,
    due: Payment,
) -> (OrderId, Payment, Result<Payment, ProviderError>) {
    let answer = match shop.provider.send_due(order, due).await {
        Err(refusal) if refusal.is_final() => Ok(refused(order, due, &refusal)),
        answer => answer,
    };
    (order, due, answer)
}

/// Ends a payment whose call the provider refuses for good. A retry would fail forever, so the
/// state, a metric and a log line inform the operator.
fn refused(order: OrderId, due: Payment, refusal: &ProviderError) -> Payment {
    counter!("payments_refused_total", "due" => due.as_str()).increment(1);
    error!(error = %refusal, %order, due = due.as_str(), "the provider refuses the call for good");
    due.refused()
}

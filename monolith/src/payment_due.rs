//! Captures, voids and refunds that a transaction has marked as due.
//!
//! The rows say what is owed, so whatever dies, the next round finds it. The provider is called
//! between transactions and idempotently; two replicas that send the same call do no harm.

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

/// A round starts when a commit wakes it. The interval is for what a dead process left behind.
const INTERVAL: Duration = Duration::from_secs(1);
const BATCH: i64 = 100;
/// Calls to the provider at a time.
const CALLS: usize = 8;

/// Sends what is due until `shutdown`.
pub async fn run(shop: Shop, shutdown: CancellationToken) -> anyhow::Result<()> {
    let work = || send_due(&shop);
    every(INTERVAL, &shop.payment_due, "payments", shutdown, work).await;
    Ok(())
}

/// Sends what is due, and returns how much of it is done with.
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

/// Calls the provider for each payment, then writes down what became of all of them.
async fn send_batch(shop: &Shop, due: Vec<(OrderId, Payment)>) -> Result<usize, Error> {
    let mut calls = stream::iter(due)
        .map(|(order, due)| send(shop, order, due))
        .buffer_unordered(CALLS);
    let (mut ended, mut postponed, mut trouble) = (vec![], vec![], None);
    while let Some((order, due, answer)) = calls.next().await {
        match answer {
            Ok(done) => ended.push((order, due, done)),
            Err(error) => {
                postponed.push(order);
                trouble = Some(error);
            }
        }
    }

    let count = ended.len();
    if !ended.is_empty() {
        payments::finish(&mut *database::lend(&shop.db).await?, ended).await?;
    }
    if let Some(error) = trouble {
        warn!(%error, payments = postponed.len(), "left due");
        payments::postpone(&mut *database::lend(&shop.db).await?, postponed).await?;
    }
    Ok(count)
}

/// Has the provider do what is due, and returns the payment as it is then. An error is one that
/// may pass.
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

/// Ends a payment that the provider will never move. Its state, a metric and one line of the log
/// call for a person: asking again would be a loop.
fn refused(order: OrderId, due: Payment, refusal: &ProviderError) -> Payment {
    counter!("payments_refused_total", "due" => due.as_str()).increment(1);
    error!(error = %refusal, %order, due = due.as_str(), "the provider refuses for good");
    due.refused()
}

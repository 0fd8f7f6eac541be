//! Settling with the provider: captures, voids and refunds that a transaction wrote down as due.
//!
//! The rows say what is owed, so whatever dies, the next look finds it. The provider is called
//! between transactions and idempotently; two replicas that settle the same payment do no harm.

use std::sync::Arc;
use std::time::Duration;

use domain::{OrderId, Payment};
use futures::{StreamExt, stream};
use store::payments;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Shop;
use crate::place_order::Error;

/// Looks when woken by a commit, and at this interval for what a dead process left behind.
const LOOK: Duration = Duration::from_secs(1);
const BATCH: i64 = 100;
/// Calls to the provider at a time.
const CALLS: usize = 8;

/// Wakes the settlement after a commit that left something due.
#[derive(Clone, Default, Debug)]
pub struct Settlement(Arc<Notify>);

impl Settlement {
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// Settles until `shutdown`. What fails is logged and stays due for the next look.
pub async fn run(shop: Shop, shutdown: CancellationToken) -> anyhow::Result<()> {
    loop {
        let look = tokio::time::timeout(LOOK, shop.settlement.0.notified());
        if shutdown.run_until_cancelled(look).await.is_none() {
            return Ok(());
        }
        // Left in the middle, it has lost nothing: the rows still say what is due.
        match shutdown.run_until_cancelled(settle_due(&shop)).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => warn!(%error, "left payments due for the next look"),
            None => return Ok(()),
        }
    }
}

/// Settles what is due, and tells how much of it was settled.
pub async fn settle_due(shop: &Shop) -> Result<usize, Error> {
    let mut settled = 0;
    loop {
        let due = payments::due(&mut *database::lend(&shop.db).await?, BATCH).await?;
        let may_be_more = due.len() as i64 == BATCH;
        let mut settling = stream::iter(due)
            .map(|(order, payment)| settle(shop, order, payment))
            .buffer_unordered(CALLS);
        let (mut done, mut refused) = (vec![], vec![]);
        while let Some(outcome) = settling.next().await {
            match outcome {
                Ok(payment) => done.push(payment),
                Err(order) => refused.push(order),
            }
        }

        let progress = done.len();
        if !done.is_empty() {
            payments::settle(&mut *database::lend(&shop.db).await?, done).await?;
        }
        if !refused.is_empty() {
            payments::postpone(&mut *database::lend(&shop.db).await?, refused).await?;
        }
        settled += progress;
        if progress == 0 || !may_be_more {
            return Ok(settled);
        }
    }
}

/// Has the provider do what is due; an error is the order for which it did not.
async fn settle(shop: &Shop, order: OrderId, due: Payment) -> Result<(OrderId, Payment), OrderId> {
    match shop.provider.settle(order, due).await {
        Ok(_) => Ok((order, due)),
        Err(error) => {
            warn!(%error, %order, due = due.as_str(), "left due");
            Err(order)
        }
    }
}

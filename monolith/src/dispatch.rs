//! Dispatching what was not cancelled in time: a task over the rows that are due.
//!
//! Several replicas may run it at once, since each skips the rows that another holds.

use std::time::Duration;

use domain::{Fact, Shipment};
use store::{orders, payments, shipping};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::Shop;
use crate::place_order::Error;

/// How late a dispatch may be: small beside any cancellation window, and four looks a second at an
/// index that holds due rows only cost next to nothing.
const LOOK: Duration = Duration::from_millis(250);
/// Orders a transaction: enough to share a commit, few enough not to hold locks for long.
const BATCH: i64 = 100;
/// A look at a database that does not answer is given up and its connection closed, or a network
/// that swallows everything would hold it until TCP gives up, after a quarter of an hour. It is
/// longer than Postgres lets a statement run.
const LONGEST_LOOK: Duration = Duration::from_secs(30);

/// Dispatches until `shutdown`. A failed look is logged and tried again at the next one.
pub async fn run(shop: Shop, shutdown: CancellationToken) -> anyhow::Result<()> {
    while shutdown
        .run_until_cancelled(tokio::time::sleep(LOOK))
        .await
        .is_some()
    {
        loop {
            let looked = timeout(LONGEST_LOOK, dispatch_due(&shop)).await;
            match looked.unwrap_or(Err(Error::Database(sqlx::Error::PoolTimedOut))) {
                Ok(0) => break,
                Ok(dispatched) => info!(dispatched, "dispatched what was due"),
                Err(error) => {
                    warn!(%error, "left what was due for the next look");
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Dispatches up to a batch of shipments whose cancellation window has ended, and tells how many.
pub async fn dispatch_due(shop: &Shop) -> Result<usize, Error> {
    let mut tx = database::begin(&shop.db).await?;
    let due = shipping::lock_due(&mut tx, BATCH).await?;
    if due.is_empty() {
        return Ok(0);
    }
    shipping::save(
        &mut tx,
        due.iter().map(|order| (*order, Shipment::Dispatched)),
    )
    .await?;
    let mut payments = payments::lock(&mut tx, due.iter().copied()).await?;
    for payment in payments.values_mut() {
        *payment = payment.capture()?;
    }
    payments::save(&mut tx, payments).await?;
    orders::record(&mut tx, due.iter().map(|order| (*order, Fact::Dispatched))).await?;
    tx.commit().await?;

    shop.settlement.wake();
    Ok(due.len())
}

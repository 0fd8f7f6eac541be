//! Dispatching orders after their cancellation window: a background task over the rows that are
//! due.
//!
//! Several replicas may run it at the same time: each skips the rows that another has locked.

use std::time::Duration;

use domain::{Fact, OrderId};
use sqlx::PgConnection;
use store::{facts, payments, shipping};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::every::{Wake, every};
use crate::{Error, Shop};

/// How late a dispatch may be: little compared with any cancellation window. Four queries per
/// second cost almost nothing, because the index contains only rows that are due.
const INTERVAL: Duration = Duration::from_millis(250);
/// Orders per transaction: enough to share a commit, few enough to release locks soon.
const BATCH: i64 = 100;
/// After this time a round ends and its connection is closed: if the network drops every packet,
/// TCP alone would notice after a quarter of an hour. It is longer than Postgres lets a statement
/// run.
const ROUND_TIMEOUT: Duration = Duration::from_secs(30);

/// Dispatches the orders that are due, until `shutdown`.
pub async fn run(shop: Shop, shutdown: CancellationToken) -> anyhow::Result<()> {
    let work = || dispatch_all(&shop);
    every(INTERVAL, &Wake::default(), "dispatch", shutdown, work).await;
    Ok(())
}

async fn dispatch_all(shop: &Shop) -> Result<usize, Error> {
    let mut total = 0;
    loop {
        let dispatching = timeout(ROUND_TIMEOUT, dispatch_due(shop)).await;
        match dispatching.unwrap_or(Err(Error::Database(sqlx::Error::PoolTimedOut)))? {
            0 => return Ok(total),
            dispatched => {
                info!(dispatched, "dispatched orders that were due");
                total += dispatched;
            }
        }
    }
}

/// Dispatches up to a batch of shipments whose cancellation window has ended, and returns how many.
pub async fn dispatch_due(shop: &Shop) -> Result<usize, Error> {
    let mut tx = database::begin(&shop.db).await?;
    let mut shipments = shipping::lock_due(&mut tx, BATCH).await?;
    shipments.retain(|_, shipment| shipment.dispatch());
    if shipments.is_empty() {
        return Ok(0);
    }
    let orders: Vec<OrderId> = shipments.keys().copied().collect();
    shipping::save(&mut tx, shipments).await?;
    capture_money(&mut tx, &orders).await?;
    let dispatched = orders.iter().map(|order| (*order, Fact::Dispatched));
    facts::record(&mut tx, dispatched).await?;
    tx.commit().await?;

    shop.payment_due.wake();
    Ok(orders.len())
}

/// Marks the money as due to be captured. `payment_due` calls the provider after the commit.
async fn capture_money(tx: &mut PgConnection, orders: &[OrderId]) -> Result<(), Error> {
    let mut payments = payments::lock(tx, orders.iter().copied()).await?;
    for payment in payments.values_mut() {
        *payment = payment.capture()?;
    }
    payments::save(tx, payments).await?;
    Ok(())
}

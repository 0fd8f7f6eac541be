//! Dispatching what was not cancelled in time: a task over the rows that are due.
//!
//! Several replicas may run it at once, since each skips the rows that another holds.

use std::time::Duration;

use domain::{Fact, OrderId};
use sqlx::PgConnection;
use store::{orders, payments, shipping};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::every::{Wake, every};
use crate::{Error, Shop};

/// How late a dispatch may be: little against any cancellation window, and four looks per second
/// at an index that holds due rows only cost next to nothing.
const INTERVAL: Duration = Duration::from_millis(250);
/// Orders per transaction: enough to share a commit, few enough not to hold locks for long.
const BATCH: i64 = 100;

/// Dispatches what is due until `shutdown`.
pub async fn run(shop: Shop, shutdown: CancellationToken) -> anyhow::Result<()> {
    let work = || dispatch_all(&shop);
    every(INTERVAL, &Wake::default(), "dispatch", shutdown, work).await;
    Ok(())
}

async fn dispatch_all(shop: &Shop) -> Result<usize, Error> {
    let mut all = 0;
    loop {
        match dispatch_due(shop).await? {
            0 => return Ok(all),
            dispatched => {
                info!(dispatched, "dispatched what was due");
                all += dispatched;
            }
        }
    }
}

/// Dispatches up to a batch of shipments whose cancellation window has ended, and returns how
/// many.
pub async fn dispatch_due(shop: &Shop) -> Result<usize, Error> {
    let mut tx = shop.db.begin().await?;
    let mut shipments = shipping::lock_due(&mut tx, BATCH).await?;
    // Asked, as the services ask: the rule alone says what may be dispatched.
    shipments.retain(|_, shipment| shipment.dispatch());
    if shipments.is_empty() {
        return Ok(0);
    }
    let orders: Vec<OrderId> = shipments.keys().copied().collect();
    shipping::save(&mut tx, shipments).await?;
    take_money(&mut tx, &orders).await?;
    let dispatched = orders.iter().map(|order| (*order, Fact::Dispatched));
    orders::record(&mut tx, dispatched).await?;
    tx.commit().await?;

    shop.payment_due.wake();
    Ok(orders.len())
}

/// Marks the money as due to be captured. `payment_due` calls the provider after the commit.
async fn take_money(tx: &mut PgConnection, orders: &[OrderId]) -> Result<(), Error> {
    let mut payments = payments::lock(tx, orders.iter().copied()).await?;
    for payment in payments.values_mut() {
        *payment = payment.capture()?;
    }
    payments::save(tx, payments).await?;
    Ok(())
}

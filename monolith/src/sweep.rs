//! The sweep: voids orphan authorizations, which have no order. A process leaves one behind when it
//! dies between the provider's answer and its commit.
//!
//! An order whose transaction is still open looks like an orphan. So the sweep first inserts a
//! tombstone, in the payment row that placing needs too: only one of the two can insert it.

use std::time::Duration;

use domain::OrderId;
use store::payments;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::every::{Wake, every};
use crate::{Error, Shop};

/// An authorization lasts for days (Visa's rules: 5 to 30), so one more minute does no harm.
const INTERVAL: Duration = Duration::from_secs(60);

/// Sweeps at start-up and then every minute, until `shutdown`.
pub async fn run(shop: Shop, age: Duration, shutdown: CancellationToken) -> anyhow::Result<()> {
    let work = || sweep(&shop, age);
    every(INTERVAL, &Wake::default(), "sweep", shutdown, work).await;
    Ok(())
}

/// Claims authorizations older than `age` whose order was never committed, and returns how many.
/// After the commit, `payment_due` calls the provider to void them.
///
/// Every `age` is safe. A short one voids the payments of slow orders, which then fail with 503.
pub async fn sweep(shop: &Shop, age: Duration) -> Result<usize, Error> {
    let authorized = shop.provider.authorized_before(age).await?;
    let orders: Vec<_> = authorized
        .iter()
        .map(|authorization| authorization.order_id)
        .collect();
    let existing = payments::existing(&mut *database::lend(&shop.db).await?, &orders).await?;

    let mut claimed = 0;
    for orphan in orders.into_iter().filter(|order| !existing.contains(order)) {
        claimed += usize::from(claim(shop, orphan).await?);
    }
    if claimed > 0 {
        info!(claimed, "voiding authorizations that have no order");
        shop.payment_due.wake();
    }
    Ok(claimed)
}

/// Inserts a tombstone as the order's payment, in a separate transaction. Returns `false` if
/// placing was first, or still has its transaction open.
async fn claim(shop: &Shop, order: OrderId) -> Result<bool, Error> {
    let mut tx = database::begin(&shop.db).await?;
    match payments::insert_tombstone(&mut tx, order).await {
        Ok(inserted) => {
            tx.commit().await?;
            Ok(inserted)
        }
        Err(error) if payments::is_held(&error) => {
            debug!(%order, "the order's transaction is open: left it to the next sweep");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

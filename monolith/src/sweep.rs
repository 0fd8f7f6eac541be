//! Voiding authorizations that no order owns: what a process that died between the provider's
//! answer and its commit leaves behind.
//!
//! An order whose transaction is still open looks the same from outside. So the sweep claims each
//! order by the row that placing needs, in the table of payments: of the two, one inserts it.

use std::time::Duration;

use domain::OrderId;
use store::payments;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::every::{Wake, every};
use crate::{Error, Shop};

/// An authorization is held for days (Visa's rules: 5 to 30), so a minute more is no hardship.
const INTERVAL: Duration = Duration::from_secs(60);

/// Sweeps at start-up and then every minute, until `shutdown`.
pub async fn run(shop: Shop, age: Duration, shutdown: CancellationToken) -> anyhow::Result<()> {
    let work = || sweep(&shop, age);
    every(INTERVAL, &Wake::default(), "sweep", shutdown, work).await;
    Ok(())
}

/// Claims what was authorized more than `age` ago for an order that was never committed, and
/// returns how much that was. The provider is asked to void it by `payment_due`, after the commit.
///
/// No `age` is too short to be safe. A shorter one voids the payments of slower orders, which are
/// then answered with 503.
pub async fn sweep(shop: &Shop, age: Duration) -> Result<usize, Error> {
    let authorized = shop.provider.authorized_before(age).await?;
    let orders: Vec<_> = authorized
        .iter()
        .map(|authorization| authorization.order_id)
        .collect();
    let owned = payments::known(&mut *shop.db.acquire().await?, &orders).await?;

    let mut claimed = 0;
    for orphan in orders.into_iter().filter(|order| !owned.contains(order)) {
        claimed += usize::from(claim(shop, orphan).await?);
    }
    if claimed > 0 {
        info!(claimed, "void authorizations that no order owns");
        shop.payment_due.wake();
    }
    Ok(claimed)
}

/// Leaves a mark in place of the order's payment, in a transaction of its own. Returns `false`
/// when placing has come first, or still has its transaction open.
async fn claim(shop: &Shop, order: OrderId) -> Result<bool, Error> {
    let mut tx = shop.db.begin().await?;
    match payments::insert_tombstone(&mut tx, order).await {
        Ok(inserted) => {
            tx.commit().await?;
            Ok(inserted)
        }
        Err(error) if payments::is_held(&error) => {
            debug!(%order, "left an order in the making to the next sweep");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

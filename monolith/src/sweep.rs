//! Voiding authorizations that no order owns: what a process that died between the provider's
//! answer and its commit leaves behind.

use std::time::Duration;

use store::payments;
use tokio_util::sync::CancellationToken;
use tracing::info;

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

/// Voids what was authorized before `age` ago for an order that was never committed, and tells how
/// much that was. `age` must exceed the longest request, or an order in the making is voided.
pub async fn sweep(shop: &Shop, age: Duration) -> Result<usize, Error> {
    let authorized = shop.provider.authorized_before(age).await?;
    let orders: Vec<_> = authorized
        .iter()
        .map(|authorization| authorization.order_id)
        .collect();
    let owned = payments::known(&mut *shop.db.acquire().await?, &orders).await?;

    let mut voided = 0;
    for orphan in orders.into_iter().filter(|order| !owned.contains(order)) {
        shop.provider.void(orphan).await?;
        voided += 1;
    }
    if voided > 0 {
        info!(voided, "voided authorizations that no order owns");
    }
    Ok(voided)
}

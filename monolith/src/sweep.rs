//! Voiding authorizations that no order owns: what a process that died between the provider's
//! answer and its commit leaves behind.

use std::time::Duration;

use store::payments;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::Shop;
use crate::place_order::Error;

/// An authorization is held for days (Visa's rules: 5 to 30), so a minute more is no hardship.
const INTERVAL: Duration = Duration::from_secs(60);

/// Sweeps at start-up and then every minute, until `shutdown`.
pub async fn run(shop: Shop, age: Duration, shutdown: CancellationToken) -> anyhow::Result<()> {
    loop {
        match shutdown.run_until_cancelled(sweep(&shop, age)).await {
            None => return Ok(()),
            Some(Ok(0)) => {}
            Some(Ok(voided)) => info!(voided, "voided authorizations that no order owns"),
            Some(Err(error)) => warn!(%error, "left the sweep to the next interval"),
        }
        if shutdown
            .run_until_cancelled(tokio::time::sleep(INTERVAL))
            .await
            .is_none()
        {
            return Ok(());
        }
    }
}

/// Voids what was authorized before `age` ago for an order that was never committed, and tells how
/// much that was. `age` must exceed the longest request, or an order in the making is voided.
pub async fn sweep(shop: &Shop, age: Duration) -> Result<usize, Error> {
    let authorized = shop.provider.authorized_before(age).await?;
    let orders: Vec<_> = authorized
        .iter()
        .map(|authorization| authorization.order_id)
        .collect();
    let owned = payments::known(&mut *database::lend(&shop.db).await?, &orders).await?;

    let mut voided = 0;
    for orphan in orders.into_iter().filter(|order| !owned.contains(order)) {
        shop.provider.void(orphan).await?;
        voided += 1;
    }
    Ok(voided)
}

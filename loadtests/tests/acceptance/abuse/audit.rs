//! The audit after all abuse: stock, money and orders are unharmed.

use std::time::{Duration, Instant};

use analysis::model::Audit;
use contracts::http::OrderBody;
use contracts::topology::EXPIRY;
use harness::audit::sources::Delayed;
use harness::audit::{Sent, Sources, audit};

use crate::shops::Shop;

/// How long the orders of all tests may take to end.
const LIMIT: Duration = Duration::from_secs(60);

/// Audits everything that ever happened at a shop that these tests started.
pub(super) async fn surprises(shop: &Shop, order: &OrderBody) -> Option<String> {
    let deployment = &shop.started.as_ref()?.deployment;
    let sources = Sources {
        // Each order has a message there for ten minutes.
        delayed: Delayed::AllBut(EXPIRY),
        ..deployment.sources()
    };
    let accepted = [Sent {
        id: order.id,
        lines: order
            .lines
            .iter()
            .map(|line| (line.sku.clone(), i64::from(line.quantity)))
            .collect(),
    }];

    let started = Instant::now();
    loop {
        let checks = audit(&sources.read().await.unwrap(), &accepted, 0);
        let not_run = None;
        let failure = Audit { checks, not_run }.failure()?;
        if started.elapsed() > LIMIT {
            return Some(failure);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

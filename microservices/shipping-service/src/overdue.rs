//! Shipments that were to be dispatched long ago, because their message never came back from the
//! delay queue, and cancellations, which no other service confirms.

use std::time::Duration;

use clap::Args;
use contracts::Event;
use domain::{Fact, Shipment};
use messaging::{Error, Outbox};
use store::shipping;

/// Orders of one transaction.
const BATCH: i64 = 100;

/// When a dispatch is overdue, and when a cancellation is told again.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Ages {
    /// How long after the end of its cancellation window an order is dispatched at the latest, in
    /// milliseconds.
    #[arg(long, env = "DISPATCH_LATE_MS", default_value_t = 60_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub dispatch_late_ms: u64,

    /// How long after the end of its cancellation window a cancelled order is told of again, in
    /// milliseconds. It is told of once more after four times, and after 16 times as long.
    #[arg(long, env = "CANCELLED_AGAIN_MS", default_value_t = 3_600_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub cancelled_again_ms: u64,
}

impl Ages {
    pub(crate) fn late(&self) -> Duration {
        Duration::from_millis(self.dispatch_late_ms)
    }

    pub(crate) fn cancelled(&self) -> Duration {
        Duration::from_millis(self.cancelled_again_ms)
    }
}

impl Default for Ages {
    fn default() -> Ages {
        Ages {
            dispatch_late_ms: 60_000,
            cancelled_again_ms: 3_600_000,
        }
    }
}

/// Dispatches up to a batch of shipments that are overdue, and returns how many. A message that
/// comes from the delay queue after this changes nothing.
pub(crate) async fn dispatch(outbox: &Outbox, ages: &Ages) -> Result<usize, Error> {
    let mut tx = outbox.begin().await?;
    let overdue = shipping::lock_overdue(&mut tx, ages.late(), BATCH).await?;
    let mut dispatched = vec![];
    for order in overdue {
        // They are locked as scheduled, so each is won.
        let mut shipment = Shipment::Scheduled;
        if shipment.dispatch() {
            dispatched.push((order.id, shipment));
            tx.push(&Event::new(Fact::Dispatched, order))?;
        }
    }
    let count = dispatched.len();
    shipping::save(&mut tx, dispatched).await?;
    tx.commit().await?;
    Ok(count)
}

/// Tells up to a batch of cancellations again, and returns how many.
pub(crate) async fn tell_cancelled_again(outbox: &Outbox, ages: &Ages) -> Result<usize, Error> {
    let mut tx = outbox.begin().await?;
    let cancelled = shipping::tell_cancelled_again(&mut tx, ages.cancelled(), BATCH).await?;
    let count = cancelled.len();
    for order in cancelled {
        tx.push(&Event::new(Fact::ShipmentCancelled, order))?;
    }
    tx.commit().await?;
    Ok(count)
}

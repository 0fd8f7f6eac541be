//! Overdue shipments: those whose message never came back from the delay queue are dispatched, and
//! cancellations are published again, because no other service confirms them.

use std::time::Duration;

use clap::Args;
use contracts::Event;
use domain::{Fact, Shipment};
use messaging::{Error, Outbox};
use store::shipping;

/// Orders per transaction.
const BATCH: i64 = 100;

/// When a dispatch is overdue, and when a cancellation is published again.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Ages {
    /// How long after its cancellation window an order is dispatched at the latest, in
    /// milliseconds.
    #[arg(long, env = "DISPATCH_LATE_MS", default_value_t = 60_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub dispatch_late_ms: u64,

    /// How long after its cancellation window a cancellation is published again, in milliseconds.
    /// It is published once more after four times this value, and after 16 times.
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

/// Dispatches up to a batch of overdue shipments, and returns how many. A message that still comes
/// from the delay queue changes nothing.
pub(crate) async fn dispatch(outbox: &Outbox, ages: &Ages) -> Result<usize, Error> {
    let mut tx = outbox.begin().await?;
    let overdue = shipping::lock_overdue(&mut tx, ages.late(), BATCH).await?;
    let mut dispatched = vec![];
    for order in overdue {
        // The rows are locked, and their state is scheduled.
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

/// Publishes up to a batch of cancellations again, and returns how many.
pub(crate) async fn republish_cancelled(outbox: &Outbox, ages: &Ages) -> Result<usize, Error> {
    let mut tx = outbox.begin().await?;
    let cancelled = shipping::claim_cancelled(&mut tx, ages.cancelled(), BATCH).await?;
    let count = cancelled.len();
    for order in cancelled {
        tx.push(&Event::new(Fact::ShipmentCancelled, order))?;
    }
    tx.commit().await?;
    Ok(count)
}

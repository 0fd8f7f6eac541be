//! Authorizations without an answer are published again, until an event answers that the order was
//! dispatched, cancelled or out of stock.

use std::time::Duration;

use clap::Args;
use contracts::Event;
use domain::Fact;
use messaging::{Error, Outbox};
use store::payments;

/// Orders per transaction.
const BATCH: i64 = 100;

/// When an answer is overdue.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Ages {
    /// How long a payment may stay authorized before its event is published again, in milliseconds.
    /// It must exceed the longest cancellation window, which is 15 minutes. The time doubles each
    /// time, up to 64 times this value.
    #[arg(long, env = "PAYMENT_UNANSWERED_MS", default_value_t = 1_200_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub payment_unanswered_ms: u64,
}

impl Ages {
    pub(crate) fn unanswered(&self) -> Duration {
        Duration::from_millis(self.payment_unanswered_ms)
    }
}

impl Default for Ages {
    fn default() -> Ages {
        Ages {
            payment_unanswered_ms: 1_200_000,
        }
    }
}

/// Publishes up to a batch of authorizations again, and returns how many.
pub(crate) async fn republish(outbox: &Outbox, ages: &Ages) -> Result<usize, Error> {
    let mut tx = outbox.begin().await?;
    let unanswered = payments::claim_unanswered(&mut tx, ages.unanswered(), BATCH).await?;
    let count = unanswered.len();
    for order in unanswered {
        tx.push(&Event::new(Fact::PaymentAuthorized, order))?;
    }
    tx.commit().await?;
    Ok(count)
}

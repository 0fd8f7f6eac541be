//! Orders that are overdue: what was told of them is told again, to the service that decides next.

use std::time::Duration;

use clap::Args;
use contracts::Event;
use domain::{Cancellation, Fact, Status};
use messaging::Outbox;
use store::orders::{self, KnownOrder};
use store::overdue;
use time::OffsetDateTime;

use crate::cancel_order::request_cancellation;
use crate::place_order::Error;

/// Orders of one transaction.
const BATCH: i64 = 100;
/// The longest time between two looks at one order.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// When an order is overdue.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Ages {
    /// How long an order may stay unsettled before it is told of again, in milliseconds. Each time
    /// doubles the time to the next, up to an hour.
    #[arg(long, env = "ORDER_UNSETTLED_MS", default_value_t = 120_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub order_unsettled_ms: u64,

    /// How long a wish to cancel may stay without an answer before it is told again, in
    /// milliseconds.
    #[arg(long, env = "CANCEL_UNANSWERED_MS", default_value_t = 30_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub cancel_unanswered_ms: u64,

    /// How old a confirmed order may be that is not dispatched before it is told of again, in
    /// milliseconds; more than the longest cancellation window, which is 15 minutes.
    #[arg(long, env = "ORDER_UNDISPATCHED_MS", default_value_t = 1_200_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub order_undispatched_ms: u64,
}

impl Ages {
    pub(crate) fn unsettled(&self) -> Duration {
        Duration::from_millis(self.order_unsettled_ms)
    }

    pub(crate) fn unanswered(&self) -> Duration {
        Duration::from_millis(self.cancel_unanswered_ms)
    }

    fn undispatched(&self) -> Duration {
        Duration::from_millis(self.order_undispatched_ms)
    }

    /// How often to look, as a quarter of this.
    pub(crate) fn shortest(&self) -> Duration {
        self.unsettled().min(self.unanswered())
    }
}

impl Default for Ages {
    fn default() -> Ages {
        Ages {
            order_unsettled_ms: 120_000,
            cancel_unanswered_ms: 30_000,
            order_undispatched_ms: 1_200_000,
        }
    }
}

/// What an overdue order needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Need {
    /// It has its end, and every wish its answer.
    Nothing,
    /// Its cancellation window may still be open.
    Time(Duration),
    /// Payment is told of the order again, and then each service answers with what it decided.
    TellPlaced,
    /// Shipping is told of the wish again.
    TellCancel,
    /// Its time to settle is up, and the message that was to say so never came.
    Cancel,
}

/// Finds orders that are overdue and handles up to a batch of them. Returns how many.
pub(crate) async fn tell_again(
    outbox: &Outbox,
    ages: &Ages,
    expiry: Duration,
) -> Result<usize, Error> {
    let mut tx = outbox.begin().await?;
    overdue::find_unended(&mut tx, ages.unsettled()).await?;
    overdue::find_unanswered(&mut tx, ages.unanswered()).await?;

    let due = overdue::lock(&mut tx, BATCH).await?;
    let known = orders::find_all(&mut tx, due.iter().map(|(order, _)| *order)).await?;
    let mut next = vec![];
    for known in known {
        let id = known.order.id;
        let looks = due.iter().find(|(order, _)| *order == id);
        let doubled = 1 << looks.map_or(0, |(_, looks)| *looks).min(20);
        let age = OffsetDateTime::now_utc() - known.placed_at;
        let age = Duration::try_from(age).unwrap_or_default();
        let wait = match need(&known, age, ages, expiry) {
            Need::Nothing => None,
            Need::Time(wait) => Some(wait),
            Need::TellPlaced => {
                tx.push(&Event::at(Fact::OrderPlaced, known.order, known.placed_at))?;
                Some(ages.unsettled() * doubled)
            }
            Need::TellCancel => {
                tx.push(&Event::new(Fact::CancelRequested, known.order))?;
                Some(ages.unanswered() * doubled)
            }
            Need::Cancel => {
                request_cancellation(&mut tx, &known).await?;
                Some(ages.unanswered())
            }
        };
        next.push((id, wait.map(|wait| wait.min(LONGEST_WAIT))));
    }
    overdue::save(&mut tx, next).await?;
    tx.commit().await?;
    Ok(due.len())
}

fn need(known: &KnownOrder, age: Duration, ages: &Ages, expiry: Duration) -> Need {
    let cancellation = Cancellation::of(known.facts);
    match known.status() {
        // Shipping decides, whatever the others have heard or not.
        _ if cancellation == Cancellation::Requested => Need::TellCancel,
        Status::Dispatched | Status::Cancelled => Need::Nothing,
        // A margin for the message that may just be on its way.
        Status::Placed if age >= expiry + ages.unanswered() => Need::Cancel,
        Status::Placed => Need::TellPlaced,
        Status::Confirmed => match ages.undispatched().checked_sub(age) {
            Some(wait) if !wait.is_zero() => Need::Time(wait),
            _ => Need::TellPlaced,
        },
    }
}

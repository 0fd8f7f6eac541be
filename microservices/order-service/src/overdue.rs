//! Overdue orders: their event is published again, to the service that decides next.

use std::time::Duration;

use clap::Args;
use contracts::Event;
use domain::{Cancellation, Fact, Status};
use messaging::Outbox;
use store::orders::{self, OrderRecord};
use store::overdue;
use time::OffsetDateTime;

use crate::cancel_order::request_cancellation;
use crate::place_order::Error;

/// Orders per transaction.
const BATCH: i64 = 100;
/// The longest time between two checks of one order.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// When an order is overdue.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Ages {
    /// How long an order may stay unsettled before its event is published again, in milliseconds.
    /// The time doubles each time, up to an hour.
    #[arg(long, env = "ORDER_UNSETTLED_MS", default_value_t = 120_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub order_unsettled_ms: u64,

    /// How long a request to cancel may stay unanswered before it is published again, in
    /// milliseconds.
    #[arg(long, env = "CANCEL_UNANSWERED_MS", default_value_t = 30_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub cancel_unanswered_ms: u64,

    /// Age at which the event of a confirmed, undispatched order is published again, in
    /// milliseconds. It must exceed the longest cancellation window, which is 15 minutes.
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

    /// The shortest of these times. Orders are checked four times in it.
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

/// What to do about an overdue order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Nothing: it has ended, and a request to cancel is answered.
    Forget,
    /// Check again later: its cancellation window may still be open.
    Wait(Duration),
    /// Publish `OrderPlaced` again: each service repeats what it has decided.
    PublishPlaced,
    /// Publish `CancelRequested` again.
    PublishCancel,
    /// Request the cancellation: the order has expired, and the message about this never came.
    Cancel,
}

/// Finds overdue orders, handles up to a batch of them, and returns how many.
pub(crate) async fn republish(
    outbox: &Outbox,
    ages: &Ages,
    expiry: Duration,
) -> Result<usize, Error> {
    let mut tx = outbox.begin().await?;
    overdue::find_unended(&mut tx, ages.unsettled()).await?;

    let due = overdue::lock(&mut tx, BATCH).await?;
    let records = orders::find_all(&mut tx, due.iter().map(|(order, _)| *order)).await?;
    let mut next = vec![];
    for record in records {
        let id = record.order.id;
        let checks = due.iter().find(|(order, _)| *order == id);
        let doubled = 1 << checks.map_or(0, |(_, checks)| *checks).min(20);
        let age = OffsetDateTime::now_utc() - record.placed_at;
        let age = Duration::try_from(age).unwrap_or_default();
        let wait = match action(&record, age, ages, expiry) {
            Action::Forget => None,
            Action::Wait(wait) => Some(wait),
            Action::PublishPlaced => {
                tx.push(&Event::at(
                    Fact::OrderPlaced,
                    record.order,
                    record.placed_at,
                ))?;
                Some(ages.unsettled() * doubled)
            }
            Action::PublishCancel => {
                tx.push(&Event::new(Fact::CancelRequested, record.order))?;
                Some(ages.unanswered() * doubled)
            }
            Action::Cancel => {
                request_cancellation(&mut tx, &record, ages.unanswered()).await?;
                Some(ages.unanswered())
            }
        };
        next.push((id, wait.map(|wait| wait.min(LONGEST_WAIT))));
    }
    overdue::save(&mut tx, next).await?;
    tx.commit().await?;
    Ok(due.len())
}

/// Decides what to do about an order of this age.
pub fn action(record: &OrderRecord, age: Duration, ages: &Ages, expiry: Duration) -> Action {
    let cancellation = Cancellation::of(record.facts);
    match record.status() {
        // Shipping decides this, even if other events are missing.
        _ if cancellation == Cancellation::Requested => Action::PublishCancel,
        Status::Dispatched | Status::Cancelled => Action::Forget,
        // Too late to cancel: it was dispatched, and the events that say so are lost.
        Status::Placed if cancellation == Cancellation::Refused => Action::PublishPlaced,
        // With a margin, because the message may be on its way.
        Status::Placed if age >= expiry + ages.unanswered() => Action::Cancel,
        Status::Placed => Action::PublishPlaced,
        Status::Confirmed => match ages.undispatched().checked_sub(age) {
            Some(wait) if !wait.is_zero() => Action::Wait(wait),
            _ => Action::PublishPlaced,
        },
    }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, CustomerId, Facts, Line, Lines, Money, Order};
    use domain::{PaymentMethod, Quantity, Sku};

    use super::*;

    const EXPIRY: Duration = Duration::from_secs(300);

    fn record(facts: &[Fact]) -> OrderRecord {
        let line = Line {
            sku: Sku::parse("teapot").unwrap(),
            quantity: Quantity::new(1).unwrap(),
            unit_price: Money::new(500, Currency::Eur).unwrap(),
        };
        let lines = Lines::new(vec![line]).unwrap();
        let method = PaymentMethod::parse("tok_ok").unwrap();
        OrderRecord {
            order: Order::place(CustomerId::new(), lines, method).unwrap(),
            facts: facts.iter().copied().collect::<Facts>(),
            placed_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_is_published_depends_on_what_is_missing() {
        use Fact::*;
        let check = |facts: &[Fact], age_s, expected| {
            let age = Duration::from_secs(age_s);
            let action = action(&record(facts), age, &Ages::default(), EXPIRY);
            assert_eq!(action, expected, "{facts:?} after {age_s} s");
        };

        check(&[OrderPlaced], 120, Action::PublishPlaced);
        check(&[OrderPlaced], 330, Action::Cancel);
        check(&[OrderPlaced, CancelRequested], 330, Action::PublishCancel);
        check(&[OrderPlaced, StockRejected], 330, Action::Forget);
        let confirmed = [OrderPlaced, ShipmentScheduled];
        check(&confirmed, 1_199, Action::Wait(Duration::from_secs(1)));
        check(&confirmed, 1_200, Action::PublishPlaced);
        check(&[OrderPlaced, Dispatched], 1_200, Action::Forget);
    }

    #[test]
    fn an_order_that_cannot_be_cancelled_any_more_is_published_again() {
        let refused = [
            Fact::OrderPlaced,
            Fact::CancelRequested,
            Fact::CancelRefused,
        ];
        for age_s in [120, 330, 86_400] {
            let age = Duration::from_secs(age_s);
            let action = action(&record(&refused), age, &Ages::default(), EXPIRY);
            assert_eq!(action, Action::PublishPlaced, "after {age_s} s");
        }
    }
}

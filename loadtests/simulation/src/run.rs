//! One run: the steps of a schedule, and then everything that is still to happen.

use std::fmt;

use domain::{Cancellation, Fact, Refusal, Status};

use crate::defect::Defect;
use crate::message::Name;
use crate::promises::{broken_at_rest, broken_now};
use crate::shop::Shop;
use crate::step::{Age, Overdue, Step};
use crate::story::Story;

/// Rounds of republishing after which everything must be settled.
const MAX_ROUNDS: usize = 20;

/// How one order ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ending {
    pub status: Status,
    pub refusal: Option<Refusal>,
    pub cancellation: Cancellation,
}

/// A broken promise, and how it came to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The promise and the order that broke it.
    pub promise: String,
    /// What happened, one line per event. Empty if the story was not recorded.
    pub story: Vec<String>,
    /// The facts of every order that the order service knows.
    pub histories: Vec<String>,
}

/// Takes the steps, lets everything else happen, and checks every promise.
///
/// # Errors
/// When a promise is broken.
pub fn run(
    steps: &[Step],
    defect: Option<Defect>,
    is_recorded: bool,
) -> Result<Vec<Ending>, Broken> {
    let mut shop = Shop::new(defect, Story::recorded(is_recorded));
    let broken = take(&mut shop, steps).or_else(|| settle(&mut shop));
    match broken.or_else(|| broken_at_rest(&mut shop)) {
        None => Ok(endings(&shop)),
        Some(promise) => Err(Broken {
            promise,
            histories: histories(&shop),
            story: shop.story.into_lines(),
        }),
    }
}

fn take(shop: &mut Shop, steps: &[Step]) -> Option<String> {
    steps.iter().find_map(|step| {
        shop.step(*step);
        broken_now(shop)
    })
}

/// Without a loss the services settle by their messages alone. After a loss they look for what is
/// overdue until they find nothing: by then every order is old.
fn settle(shop: &mut Shop) -> Option<String> {
    shop.story.add(|| "the faults end");
    for _ in 0..MAX_ROUNDS {
        shop.drain();
        if let Some(broken) = broken_now(shop) {
            return Some(broken);
        }
        if !shop.has_lost
            && let Some(broken) = broken_at_rest(shop)
        {
            return Some(broken);
        }
        let overdue = [
            Overdue::Orders(Age::Expired),
            Overdue::Payments,
            Overdue::Dispatches,
        ];
        let found: usize = overdue.into_iter().map(|one| shop.republish(one)).sum();
        if found > 0 && !shop.has_lost {
            return Some("an order is overdue although no message was lost".to_owned());
        }
        if found + shop.republish_cancelled_last() == 0 {
            return None;
        }
    }
    // The audit says which order it is.
    None
}

fn endings(shop: &Shop) -> Vec<Ending> {
    let records = shop.orders.tables.records.values();
    let endings = records.map(|record| Ending {
        status: record.status(),
        refusal: Status::refusal(record.facts),
        cancellation: Cancellation::of(record.facts),
    });
    endings.collect()
}

fn histories(shop: &Shop) -> Vec<String> {
    let records = shop.orders.tables.records.values();
    let histories = records.map(|record| {
        let known = Fact::ALL.into_iter().filter(|fact| record.facts.has(*fact));
        let known: Vec<&str> = known.map(Fact::as_str).collect();
        format!("{}: {}", Name(record.order.id), known.join(", "))
    });
    histories.collect()
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.promise)?;
        for (n, line) in self.story.iter().enumerate() {
            writeln!(f, "{:>4}. {line}", n + 1)?;
        }
        for history in &self.histories {
            writeln!(f, "history of {history}")?;
        }
        Ok(())
    }
}

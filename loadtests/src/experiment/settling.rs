//! From outcomes and books to the figures of a run.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use crate::audit::Books;
use crate::load::Outcome;
use crate::results::{Quantiles, Run, Second};
use crate::statistics::steady;

/// When the load began, and how it was laid out.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The beginning in milliseconds since 1970.
    pub begin_ms: f64,
    /// The least; see [`steady`].
    pub warm_up: Duration,
    /// Whether the rate stays the same, so that steadiness can be waited for.
    pub constant: bool,
    /// Of the load in all, warm-up included.
    pub length: Duration,
    pub objective: Duration,
}

/// Fills in what the generator and the databases saw. Latencies come from the time after the
/// warm-up; what the audit and the CPU count by, orders and settled ones, from all of it.
pub fn note(run: &mut Run, outcomes: &[Outcome], books: &Books, timing: Timing) {
    let orders: Vec<&Outcome> = outcomes
        .iter()
        .filter(|one| one.operation == "place_order")
        .collect();
    let warm_up = warm_up(&orders, timing);
    run.warm_up_s = warm_up.as_secs_f64();
    run.duration_s = timing.length.saturating_sub(warm_up).as_secs_f64();
    let after_warm_up = |one: &&Outcome| one.due >= warm_up;
    let unsent = run.offered.saturating_sub(outcomes.len() as u64);
    run.due = orders.iter().copied().filter(after_warm_up).count() as u64 + unsent;

    for outcome in outcomes {
        *run.answers.entry(outcome.label()).or_default() += 1;
    }
    run.errors = outcomes.iter().filter(|one| one.is_error()).count() as u64;
    run.accepted = orders.iter().filter(|one| one.order.is_some()).count() as u64;
    let settled = books
        .orders
        .values()
        .filter(|order| order.settled_at_ms().is_some());
    run.settled = settled.count() as u64;

    let answered = orders
        .iter()
        .copied()
        .filter(after_warm_up)
        .filter(|one| !one.is_error());
    let mut latencies: Vec<f64> = answered.map(|one| ms(one.latency)).collect();
    run.acknowledged_ms = Quantiles::of(&mut latencies);
    let mut lags: Vec<f64> = outcomes
        .iter()
        .filter(after_warm_up)
        .map(|one| ms(one.lag))
        .collect();
    run.lag_ms = Quantiles::of(&mut lags);

    let times = times_to_settled(&orders, books, timing);
    let measured = orders.iter().copied().filter(after_warm_up);
    let mut measured: Vec<f64> = measured
        .filter_map(|one| times.get(&one.order?.id).copied())
        .collect();
    run.good = measured
        .iter()
        .filter(|time| **time <= ms(timing.objective))
        .count() as u64;
    run.settled_ms = Quantiles::of(&mut measured);
    run.seconds = seconds(&orders, &times, timing);
}

fn warm_up(orders: &[&Outcome], timing: Timing) -> Duration {
    if !timing.constant {
        return timing.warm_up;
    }
    let answers = orders.iter().map(|one| (one.due, ms(one.latency)));
    steady::warm_up(&answers.collect::<Vec<_>>(), timing.warm_up, timing.length)
}

/// Milliseconds from an order's slot to its settling. An order whose answer said that it is
/// settled settles for the customer with the answer, which comes after the commit that the
/// database's time stamp precedes.
fn times_to_settled(orders: &[&Outcome], books: &Books, timing: Timing) -> HashMap<Uuid, f64> {
    let times = orders.iter().filter_map(|outcome| {
        let accepted = outcome.order?;
        let settled_at = books.orders.get(&accepted.id)?.settled_at_ms()?;
        let by_database = settled_at - timing.begin_ms - ms(outcome.due);
        let by_answer = if accepted.settled {
            ms(outcome.latency)
        } else {
            0.0
        };
        Some((accepted.id, by_database.max(by_answer)))
    });
    times.collect()
}

/// What was offered, what settled and what was left over, second by second until all is done.
fn seconds(orders: &[&Outcome], settled: &HashMap<Uuid, f64>, timing: Timing) -> Vec<Second> {
    let mut seconds = vec![Second::default(); timing.length.as_secs_f64().ceil() as usize];
    let mut count = |at_ms: f64, add: fn(&mut Second)| {
        let second = (at_ms / 1_000.0) as usize;
        if second >= seconds.len() {
            seconds.resize(second + 1, Second::default());
        }
        add(&mut seconds[second]);
    };
    for order in orders {
        count(ms(order.due), |second| second.offered += 1);
        if let Some(time) = order.order.and_then(|accepted| settled.get(&accepted.id)) {
            count(ms(order.due) + time, |second| second.settled += 1);
        }
    }
    let mut backlog = 0_u64;
    for second in &mut seconds {
        backlog = (backlog + second.offered).saturating_sub(second.settled);
        second.backlog = backlog;
    }
    seconds
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use domain::Fact;

    use super::*;
    use crate::audit::books::OrderEntry;
    use crate::load::recorder::Accepted;

    const TIMING: Timing = Timing {
        begin_ms: 1_000_000.0,
        warm_up: Duration::from_secs(1),
        constant: true,
        length: Duration::from_secs(3),
        objective: Duration::from_millis(500),
    };

    /// An order due after `due_ms` that settled `settled_ms` later, and was answered after 20 ms.
    fn order(books: &mut Books, due_ms: u64, settled_ms: Option<f64>, at_once: bool) -> Outcome {
        let id = Uuid::now_v7();
        let at = |time: f64| TIMING.begin_ms + due_ms as f64 + time;
        let fact = settled_ms.map(|time| (Fact::ShipmentScheduled, at(time)));
        let entry = OrderEntry {
            total_minor: 1,
            lines: [].into(),
            placed_at_ms: 0.0,
            facts: fact.into_iter().collect(),
        };
        books.orders.insert(id, entry);
        Outcome {
            operation: "place_order",
            due: Duration::from_millis(due_ms),
            lag: Duration::ZERO,
            latency: Duration::from_millis(20),
            answer: Ok(201),
            order: Some(Accepted {
                id,
                customer: 0,
                settled: at_once,
            }),
        }
    }

    #[test]
    fn time_to_settled_counts_from_the_slot_and_leaves_the_warm_up_out() {
        let mut books = Books::default();
        let outcomes = [
            order(&mut books, 100, Some(900.0), false),
            order(&mut books, 1_500, Some(80.0), false),
            order(&mut books, 2_000, Some(700.0), false),
            // The commit came after the time stamp: the answer counts.
            order(&mut books, 2_500, Some(5.0), true),
            order(&mut books, 2_600, None, false),
        ];
        let mut run = Run::default();
        note(&mut run, &outcomes, &books, TIMING);

        assert_eq!((run.accepted, run.settled, run.good), (5, 4, 2));
        assert_eq!(run.settled_ms.count, 3);
        assert!((run.settled_ms.max - 700.0).abs() < 1e-6);
        assert!((run.settled_ms.curve[0].1 - 20.0).abs() < 1e-6);
        assert_eq!(run.seconds.last().unwrap().backlog, 1);
    }
}

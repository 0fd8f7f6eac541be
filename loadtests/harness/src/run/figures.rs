//! The figures of a run, from the records of the generator and of the databases.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use analysis::model::{Endings, Quantiles, Run, Second};
use analysis::statistics::steady;
use domain::{Facts, Status};
use uuid::Uuid;

use super::phases::Load;
use crate::audit::Snapshot;
use crate::audit::snapshot::OrderEntry;
use crate::load::Outcome;

/// Fills in the figures of the measured load. Orders up to `since` are those of the warm-up.
pub(super) fn fill_in(
    run: &mut Run,
    load: &Load,
    snapshot: &Snapshot,
    since: Uuid,
    objective: Duration,
) {
    let outcomes = &load.outcomes;
    let orders: Vec<&Outcome> = outcomes.iter().filter(|one| one.is_order()).collect();
    let sent = outcomes.iter().filter(|one| one.is_scheduled());
    let unsent = load.offered.saturating_sub(sent.clone().count() as u64);
    run.offered = load.offered;
    run.due = orders.len() as u64 + unsent;
    run.requests = outcomes.len() as u64 + unsent;
    run.duration_s = load.length.as_secs_f64();

    for outcome in outcomes {
        *run.answers.entry(outcome.label()).or_default() += 1;
    }
    if unsent > 0 {
        run.answers.insert("never sent".to_owned(), unsent);
    }
    run.errors = outcomes.iter().filter(|one| one.is_error()).count() as u64 + unsent;
    run.accepted = orders.iter().filter(|one| one.order.is_some()).count() as u64;

    let answered = orders.iter().filter(|one| !one.is_error());
    let answers: Vec<(Duration, f64)> = answered.map(|one| (one.due, ms(one.latency))).collect();
    run.steady_after_s = steady::steady_after(&answers, load.length).as_secs_f64();
    let mut latencies: Vec<f64> = answers.into_iter().map(|(_, latency)| latency).collect();
    run.acknowledged_ms = Quantiles::of(&mut latencies);
    let mut delays: Vec<f64> = sent.map(|one| ms(one.send_delay)).collect();
    run.send_delay_ms = Quantiles::of(&mut delays);

    run.endings = endings(&orders, snapshot, since);
    run.settled = run.endings.confirmed + run.endings.refused + run.endings.cancelled;
    let times = times_to_settled(&orders, snapshot, load.begin_ms);
    let mut measured: Vec<f64> = times.values().copied().collect();
    let in_time = measured.iter().filter(|time| **time <= ms(objective));
    run.good = in_time.count() as u64;
    run.settled_ms = Quantiles::of(&mut measured);
    run.seconds = seconds(&orders, &times, load.length);
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Confirmed,
    Refused,
    Cancelled,
    Expired,
}

/// Returns `None` for an unsettled order. A cancelled order counts as expired unless the customer
/// requested it.
fn ending(order: &OrderEntry, cancel_requested: bool) -> Option<Ending> {
    let facts: Facts = order.facts.iter().map(|(fact, _)| *fact).collect();
    match Status::of(facts) {
        Status::Placed => None,
        Status::Confirmed | Status::Dispatched => Some(Ending::Confirmed),
        Status::Cancelled if cancel_requested => Some(Ending::Cancelled),
        Status::Cancelled if Status::refusal(facts).is_some() => Some(Ending::Refused),
        Status::Cancelled => Some(Ending::Expired),
    }
}

/// Counts all orders of the snapshot, including those whose answer was lost.
fn endings(orders: &[&Outcome], snapshot: &Snapshot, since: Uuid) -> Endings {
    let placed = orders.iter().filter_map(|one| one.order);
    let cancel_requested: HashSet<Uuid> =
        placed.filter(|one| one.cancel).map(|one| one.id).collect();
    let mut endings = Endings::default();
    for (id, order) in snapshot.orders.iter().filter(|(id, _)| **id > since) {
        let count = match ending(order, cancel_requested.contains(id)) {
            Some(Ending::Confirmed) => &mut endings.confirmed,
            Some(Ending::Refused) => &mut endings.refused,
            Some(Ending::Cancelled) => &mut endings.cancelled,
            Some(Ending::Expired) => &mut endings.expired,
            None => continue,
        };
        *count += 1;
    }
    endings
}

/// Milliseconds from the moment an order was due until it settled. The time stamp of the database
/// precedes the commit. So where the answer already says that the order is settled, the answer
/// counts, which follows the commit. An expired order has not settled for its customer.
pub(super) fn times_to_settled(
    orders: &[&Outcome],
    snapshot: &Snapshot,
    begin_ms: f64,
) -> HashMap<Uuid, f64> {
    let times = orders.iter().filter_map(|outcome| {
        let accepted = outcome.order?;
        let order = snapshot.orders.get(&accepted.id)?;
        let settled_at = order.settled_at_ms()?;
        if ending(order, accepted.cancel)? == Ending::Expired {
            return None;
        }
        let by_database = settled_at - begin_ms - ms(outcome.due);
        let by_answer = match accepted.settled {
            true => ms(outcome.latency),
            false => 0.0,
        };
        Some((accepted.id, by_database.max(by_answer)))
    });
    times.collect()
}

/// Orders offered, settled and waiting, second by second until all are settled.
fn seconds(orders: &[&Outcome], settled: &HashMap<Uuid, f64>, length: Duration) -> Vec<Second> {
    let mut seconds = vec![Second::default(); length.as_secs_f64().ceil() as usize];
    let mut count = |at_ms: f64, add: fn(&mut Second)| {
        let second = (at_ms / 1_000.0) as usize;
        if second >= seconds.len() {
            seconds.resize(second + 1, Second::default());
        }
        add(&mut seconds[second]);
    };
    for order in orders {
        count(ms(order.due), |second| second.offered += 1);
        if order.order.is_some() {
            count(ms(order.due), |second| {
                *second.accepted.get_or_insert(0) += 1
            });
        }
        if let Some(time) = order.order.and_then(|accepted| settled.get(&accepted.id)) {
            count(ms(order.due) + time, |second| second.settled += 1);
        }
    }
    let mut backlog = 0_u64;
    for second in &mut seconds {
        backlog = (backlog + second.accepted.unwrap_or(0)).saturating_sub(second.settled);
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
    use crate::load::Request;
    use crate::load::recorder::Accepted;

    const BEGIN_MS: f64 = 1_000_000.0;

    /// An order due after `due_ms`, answered after 20 ms. Each fact comes with the milliseconds
    /// after that moment.
    fn order(snapshot: &mut Snapshot, due_ms: u64, facts: &[(Fact, f64)]) -> Outcome {
        let id = Uuid::now_v7();
        let at = |time: f64| BEGIN_MS + due_ms as f64 + time;
        let facts = facts.iter().map(|(fact, time)| (*fact, at(*time)));
        let entry = OrderEntry {
            total_minor: 1,
            lines: [].into(),
            facts: facts.collect(),
        };
        snapshot.orders.insert(id, entry);
        Outcome {
            request: Request::PlaceOrder,
            due: Duration::from_millis(due_ms),
            send_delay: Duration::ZERO,
            latency: Duration::from_millis(20),
            answer: Ok(201),
            order: Some(Accepted {
                id,
                customer: 0,
                number: 0,
                settled: false,
                cancel: false,
            }),
        }
    }

    fn figures_of(outcomes: Vec<Outcome>, snapshot: &Snapshot, since: Uuid) -> Run {
        let load = Load {
            offered: outcomes.iter().filter(|one| one.is_scheduled()).count() as u64,
            outcomes,
            accepted: vec![],
            failed: 0,
            begin_ms: BEGIN_MS,
            length: Duration::from_secs(3),
        };
        let mut run = Run::default();
        fill_in(&mut run, &load, snapshot, since, Duration::from_millis(500));
        run
    }

    fn order_of(outcome: &mut Outcome) -> &mut Accepted {
        outcome.order.as_mut().unwrap()
    }

    #[test]
    fn time_to_settled_counts_from_the_due_time_and_the_warm_up_is_in_no_figure() {
        let mut snapshot = Snapshot::default();
        let confirmed = |time| [(Fact::ShipmentScheduled, time)];
        let warm_up = order(&mut snapshot, 100, &confirmed(900.0));
        let mut outcomes = vec![
            order(&mut snapshot, 1_500, &confirmed(80.0)),
            order(&mut snapshot, 2_000, &confirmed(700.0)),
            order(&mut snapshot, 2_500, &confirmed(5.0)),
            order(&mut snapshot, 2_600, &[]),
        ];
        // The commit came after the time stamp, so the answer counts.
        order_of(&mut outcomes[2]).settled = true;
        let run = figures_of(outcomes, &snapshot, warm_up.order.unwrap().id);

        assert_eq!((run.accepted, run.settled, run.good), (4, 3, 2));
        assert_eq!(run.settled_ms.count, 3);
        assert!((run.settled_ms.max - 700.0).abs() < 1e-6);
        assert!((run.settled_ms.curve[0].1 - 20.0).abs() < 1e-6);
        assert_eq!(run.seconds.last().unwrap().backlog, 1);
    }

    #[test]
    fn an_expired_order_is_not_a_settled_one() {
        let mut snapshot = Snapshot::default();
        let cancelled = [
            (Fact::CancelRequested, 10.0),
            (Fact::ShipmentCancelled, 90.0),
        ];
        let mut outcomes = vec![
            order(&mut snapshot, 0, &[(Fact::ShipmentScheduled, 80.0)]),
            order(&mut snapshot, 10, &[(Fact::PaymentDeclined, 80.0)]),
            order(&mut snapshot, 20, &cancelled),
            order(&mut snapshot, 30, &cancelled),
        ];
        order_of(&mut outcomes[3]).cancel = true;
        let run = figures_of(outcomes, &snapshot, Uuid::nil());

        let expected = Endings {
            confirmed: 1,
            refused: 1,
            cancelled: 1,
            expired: 1,
        };
        assert_eq!(run.endings, expected);
        assert_eq!((run.settled, run.good, run.settled_ms.count), (3, 3, 3));
    }

    #[test]
    fn an_unsent_operation_is_an_error_however_many_orders_were_cancelled() {
        let mut snapshot = Snapshot::default();
        let placed = order(&mut snapshot, 0, &[(Fact::ShipmentScheduled, 80.0)]);
        let cancelled = Outcome {
            request: Request::CancelOrder,
            order: None,
            ..placed.clone()
        };
        let load = Load {
            offered: 2,
            outcomes: vec![placed, cancelled],
            accepted: vec![],
            failed: 0,
            begin_ms: BEGIN_MS,
            length: Duration::from_secs(3),
        };
        let mut run = Run::default();
        fill_in(
            &mut run,
            &load,
            &snapshot,
            Uuid::nil(),
            Duration::from_secs(1),
        );
        assert_eq!((run.errors, run.due, run.requests), (1, 2, 3));
    }
}

//! The figures of a run with a fault.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use analysis::model::{FaultCase, FaultRun, Quantiles, Run};
use uuid::Uuid;

use super::BEFORE;
use super::loaded::FaultyLoad;
use crate::audit::Snapshot;
use crate::load::Outcome;
use crate::run::figures::times_to_settled;
use crate::run::spec::RunSettings;

/// The figures of a run, without its capacity and its deliveries per message.
pub(super) fn of(
    case: FaultCase,
    settings: &RunSettings,
    faulty: FaultyLoad,
    snapshot: &Snapshot,
    run: Run,
) -> FaultRun {
    let load = &faulty.measured;
    let fault = BEFORE.as_secs_f64()..faulty.end_s;
    let orders: Vec<&Outcome> = load.outcomes.iter().filter(|one| one.is_order()).collect();
    let settled = times_to_settled(&orders, snapshot, load.begin_ms);
    let during = |one: &&&Outcome| fault.contains(&one.due.as_secs_f64());
    let accepted: Vec<&Outcome> = orders
        .iter()
        .filter(during)
        .filter(|one| one.order.is_some())
        .copied()
        .collect();
    let mut answers: Vec<f64> = accepted.iter().map(|one| ms(one.latency)).collect();
    let of_order = |one: &&Outcome| settled.get(&one.order?.id).copied();
    let mut times: Vec<f64> = accepted.iter().filter_map(of_order).collect();
    let dead_letters = snapshot.queues.iter();
    let dead_letters = dead_letters.filter(|(name, _)| name.ends_with("-dlq"));
    let dead_letters: u64 = dead_letters.map(|(_, count)| count).sum();
    FaultRun {
        case,
        begin_s: fault.start,
        end_s: fault.end,
        due: orders.iter().filter(during).count() as u64,
        accepted: accepted.len() as u64,
        goodput_back_s: goodput_back_s(&orders, &fault),
        backlog_gone_s: backlog_gone_s(&orders, &settled, &fault),
        acknowledged_ms: Quantiles::of(&mut answers),
        settled_ms: Quantiles::of(&mut times),
        dead_letters: dead_letters + faulty.poisoned,
        capacity_per_s: None,
        order_expiry_s: settings.order_expiry.as_secs_f64(),
        overdue_s: settings.overdue.map(|overdue| overdue.as_secs_f64()),
        latency_back_s: latency_back_s(&orders, &fault),
        receives_per_message: None,
        queues: faulty.queues,
        usage: faulty.usage,
        run,
    }
}

/// From the fault's end until the last order was due that was not accepted.
fn goodput_back_s(orders: &[&Outcome], fault: &Range<f64>) -> f64 {
    let failed = orders.iter().filter(|one| one.order.is_none());
    let failed = failed.map(|one| one.due.as_secs_f64() - fault.end);
    failed.fold(0.0, f64::max)
}

/// From the fault's end until the second in which an answer took at most twice as long as before
/// the fault, at the median. `None` when it never did.
fn latency_back_s(orders: &[&Outcome], fault: &Range<f64>) -> Option<f64> {
    let median = |span: Range<f64>| {
        let of_span = orders.iter().filter(|one| {
            let is_due = span.contains(&one.due.as_secs_f64());
            is_due && one.order.is_some()
        });
        let mut answers: Vec<f64> = of_span.map(|one| ms(one.latency)).collect();
        (!answers.is_empty()).then(|| Quantiles::of(&mut answers).p50)
    };
    let before = median(0.0..fault.start)?;
    let last = orders.iter().map(|one| one.due.as_secs_f64());
    let last = last.fold(fault.end, f64::max);
    let seconds = (last - fault.end).ceil() as u64;
    let mut seconds = (0..seconds).map(|second| second as f64);
    seconds.find(|second| {
        let begin = fault.end + second;
        median(begin..begin + 1.0).is_some_and(|median| median <= 2.0 * before)
    })
}

/// From the fault's end until all accepted orders that were due before it were settled. `None` when
/// one of them never settled.
fn backlog_gone_s(
    orders: &[&Outcome],
    settled: &HashMap<Uuid, f64>,
    fault: &Range<f64>,
) -> Option<f64> {
    let before = orders
        .iter()
        .filter(|one| one.due.as_secs_f64() < fault.end);
    let accepted = before.filter_map(|one| Some((one.due, one.order?)));
    let mut gone_s = 0.0_f64;
    for (due, order) in accepted {
        let settled_s = settled.get(&order.id)? / 1_000.0;
        gone_s = gone_s.max(due.as_secs_f64() + settled_s - fault.end);
    }
    Some(gone_s)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

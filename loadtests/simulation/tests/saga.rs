//! Many schedules are run through the model, and no promise may break.
//!
//! `SIMULATION_SCHEDULES` sets how many, and `SIMULATION_SEED` where they begin. A failure prints
//! the shortest schedule that still fails, and the command that runs it again.

mod saga {
    pub(crate) mod schedule;
    pub(crate) mod search;
}

use std::collections::HashSet;
use std::env;

use domain::{Cancellation, Refusal, Status};
use proptest::strategy::ValueTree as _;
use saga::schedule::schedule;
use saga::search::find_failure;
use simulation::{Defect, Ending, run};

/// Schedules of a plain `cargo test`.
const SCHEDULES: u64 = 5_000;
/// Schedules within which every injected defect must be found.
const SCHEDULES_PER_DEFECT: u64 = 5_000;

#[test]
fn no_schedule_breaks_a_promise() {
    let first = setting("SIMULATION_SEED");
    let only_one = first.map(|_| 1);
    let count = setting("SIMULATION_SCHEDULES")
        .or(only_one)
        .unwrap_or(SCHEDULES);
    if let Some(failure) = find_failure(first.unwrap_or(0), count, None) {
        panic!("{failure}");
    }
}

#[test]
fn each_injected_defect_is_found() {
    for defect in Defect::ALL {
        let failure = find_failure(0, SCHEDULES_PER_DEFECT, Some(defect));
        let failure = failure.unwrap_or_else(|| panic!("{defect:?} is not found"));
        let steps = failure.steps.len();
        println!("{defect:?} is found, in {steps} steps");
        assert!(steps <= 12, "{defect:?} is not made short: {failure}");
    }
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    for seed in 0..20 {
        let steps = schedule(seed).1.current();
        assert_eq!(steps, schedule(seed).1.current());
        let defect = Some(Defect::SkippedInbox);
        assert_eq!(run(&steps, defect, true), run(&steps, defect, true));
    }
}

#[test]
fn every_ending_of_an_order_is_reached() {
    let endings: HashSet<Ending> = (0..2_000)
        .filter_map(|seed| run(&schedule(seed).1.current(), None, false).ok())
        .flatten()
        .collect();
    let check = |status, refusal, cancellation| {
        let ending = Ending {
            status,
            refusal,
            cancellation,
        };
        assert!(endings.contains(&ending), "{ending:?}");
    };

    check(Status::Dispatched, None, Cancellation::None);
    check(Status::Dispatched, None, Cancellation::Refused);
    check(Status::Cancelled, None, Cancellation::Done);
    for refusal in [Refusal::PaymentDeclined, Refusal::OutOfStock] {
        check(Status::Cancelled, Some(refusal), Cancellation::None);
        check(Status::Cancelled, Some(refusal), Cancellation::Done);
    }
}

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

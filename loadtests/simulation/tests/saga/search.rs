//! The search for a schedule that breaks a promise.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::strategy::ValueTree as _;
use proptest::test_runner::{TestCaseError, TestError};
use simulation::{Broken, Defect, Step, run};

use super::schedule::schedule;

/// A schedule that breaks a promise, as short as it could be made.
#[derive(Debug)]
pub(crate) struct Failure {
    seed: u64,
    pub(crate) steps: Vec<Step>,
    broken: Broken,
}

/// Runs the schedules of `count` seeds on all cores. Returns the failure with the smallest seed
/// among those that were found.
pub(crate) fn find_failure(first: u64, count: u64, defect: Option<Defect>) -> Option<Failure> {
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
    let next = AtomicU64::new(first);
    let end = first.saturating_add(count);
    let search = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return None;
            }
            if run(&schedule(seed).1.current(), defect, false).is_err() {
                next.store(end, Ordering::Relaxed);
                return Some(seed);
            }
        }
    };
    let found = thread::scope(|scope| {
        let searches: Vec<_> = (0..threads).map(|_| scope.spawn(search)).collect();
        let found = searches
            .into_iter()
            .filter_map(|one| one.join().expect("no search panics"));
        found.min()
    });
    found.map(|seed| shortest(seed, defect))
}

/// Makes the failing schedule of this seed as short as it gets.
fn shortest(seed: u64, defect: Option<Defect>) -> Failure {
    let (mut runner, tree) = schedule(seed);
    let is_kept = |steps: Vec<Step>| match run(&steps, defect, false) {
        Ok(_) => Ok(()),
        Err(broken) => Err(TestCaseError::fail(broken.promise)),
    };
    let Err(TestError::Fail(_, steps)) = runner.run_one(tree, is_kept) else {
        panic!("the schedule of seed {seed} fails once and then passes");
    };
    let steps = without_idle_steps(steps, |steps| run(steps, defect, false).is_err());
    let broken = run(&steps, defect, true).expect_err("the shortest schedule fails, too");
    Failure {
        seed,
        steps,
        broken,
    }
}

/// Leaves out one or two steps at a time, as long as the schedule still fails. proptest leaves out
/// one, and a step often needs another one.
fn without_idle_steps(mut steps: Vec<Step>, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let without = |steps: &[Step], one: usize, other: usize| {
        let kept = (0..steps.len()).filter(|place| ![one, other].contains(place));
        kept.map(|place| steps[place]).collect::<Vec<_>>()
    };
    loop {
        let places = 0..steps.len();
        let mut pairs = places.flat_map(|one| (one..steps.len()).map(move |other| (one, other)));
        let shorter = pairs.find_map(|(one, other)| {
            let shorter = without(&steps, one, other);
            fails(&shorter).then_some(shorter)
        });
        match shorter {
            Some(shorter) => steps = shorter,
            None => return steps,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seed, steps) = (self.seed, self.steps.len());
        writeln!(f, "seed {seed}, {steps} steps: {}", self.broken)?;
        write!(
            f,
            "run it again: SIMULATION_SEED={seed} cargo test -p simulation --test saga no_schedule"
        )
    }
}

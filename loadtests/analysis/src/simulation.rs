//! Tries the method on simulated runs, whose truth is known. The noise is larger than what a quiet
//! machine shows: 7% from run to run, and 10% of drift that a pair shares.

use crate::model::{Arm, ArmName, Audit, Check, Endings, Quantiles, Run};
use crate::sentences::sentence;
use crate::statistics::normal::Normal;
use crate::verdict::FULL_PAIRS;
use crate::{Comparison, Finding, compare};

const RUN_NOISE: f64 = 0.07;
const PAIR_DRIFT: f64 = 0.10;
const TRIALS: u64 = 200;

fn base() -> ArmName {
    Arm::Monolith.into()
}

fn other() -> ArmName {
    Arm::Services.into()
}

fn run(arm: &ArmName, pair: usize, values: [f64; 5]) -> Run {
    let kept = Check {
        promise: "made up".into(),
        examined: 1,
        broken: 0,
        example: None,
    };
    let [cpu, settled, settled_tail, acknowledged, acknowledged_tail] = values;
    let quantiles = |p50, p99| Quantiles {
        count: 1,
        p50,
        p99,
        ..Quantiles::default()
    };
    Run {
        arm: arm.clone(),
        pair,
        settled: 1,
        cpu_ms: [("process".to_owned(), cpu)].into(),
        settled_ms: quantiles(settled, settled_tail),
        acknowledged_ms: quantiles(acknowledged, acknowledged_tail),
        audit: Audit {
            checks: vec![kept],
            not_run: None,
        },
        ..Run::default()
    }
}

/// Compares two simulated arms, of which the second takes `ratio` times as much of everything.
fn experiment(pairs: usize, ratio: f64, seed: u64) -> Vec<Comparison> {
    let mut normal = Normal::seeded(seed);
    let mut runs = vec![];
    for pair in 0..pairs {
        let drift = PAIR_DRIFT * normal.draw();
        for (arm, truth) in [(base(), 1.0), (other(), ratio)] {
            let values = [2.0, 20.0, 90.0, 8.0, 40.0]
                .map(|value| value * truth * (drift + RUN_NOISE * normal.draw()).exp());
            runs.push(run(&arm, pair, values));
        }
    }
    let cell = runs[0].cell();
    compare(&runs, &base(), &other(), &cell, seed)
}

#[test]
fn an_arm_against_itself_shows_no_difference_nine_times_of_ten_in_quick_mode() {
    let all_equal = (0..TRIALS)
        .filter(|seed| {
            let comparisons = experiment(3, 1.0, *seed);
            comparisons
                .iter()
                .all(|one| one.finding == Finding::NoDifference)
        })
        .count();
    assert!(
        all_equal as u64 >= TRIALS * 9 / 10,
        "{all_equal} of {TRIALS}"
    );
}

#[test]
fn an_injected_slowdown_of_a_fifth_is_found_nine_times_of_ten_in_full_mode() {
    let found = (0..TRIALS)
        .filter(|seed| {
            let comparisons = experiment(FULL_PAIRS, 1.2, *seed);
            comparisons.iter().all(|one| {
                one.finding == Finding::Ratio && one.ratio.is_some_and(|ratio| ratio.mean > 1.0)
            })
        })
        .count();
    assert!(found as u64 >= TRIALS * 9 / 10, "{found} of {TRIALS}");
}

#[test]
fn a_difference_that_does_not_exist_is_hardly_ever_claimed() {
    for pairs in [2, 3, 12] {
        let claimed = (0..TRIALS)
            .filter(|seed| {
                let comparisons = experiment(pairs, 1.0, *seed);
                comparisons.iter().any(|one| one.finding == Finding::Ratio)
            })
            .count();
        assert!(
            claimed as u64 <= TRIALS / 20,
            "{claimed} of {TRIALS} with {pairs} pairs"
        );
    }
}

#[test]
fn a_large_difference_is_found_even_in_quick_mode() {
    let found = (0..TRIALS)
        .filter(|seed| experiment(3, 2.5, *seed)[0].finding == Finding::Ratio)
        .count();
    assert!(found as u64 >= TRIALS * 9 / 10, "{found} of {TRIALS}");
}

#[test]
fn a_broken_promise_voids_every_measure_of_the_cell() {
    let mut runs = vec![];
    for pair in 0..3 {
        runs.push(run(&base(), pair, [1.0; 5]));
        runs.push(run(&other(), pair, [2.0; 5]));
    }
    runs[3].audit.checks[0].broken = 1;
    let comparisons = compare(&runs, &base(), &other(), &runs[0].cell(), 1);
    for comparison in comparisons {
        assert!(
            matches!(comparison.finding, Finding::Void { .. }),
            "{comparison:?}"
        );
        assert!(sentence(&comparison).contains("void, because made up"));
    }
}

#[test]
fn the_bounds_of_no_difference_hold_the_truth() {
    let held = (0..TRIALS)
        .filter(|seed| {
            let comparisons = experiment(3, 1.1, *seed);
            comparisons.iter().all(|one| {
                let bounds = one.bounds.unwrap();
                one.finding != Finding::NoDifference || (bounds.low..=bounds.high).contains(&1.1)
            })
        })
        .count();
    assert!(held as u64 >= TRIALS * 95 / 100, "{held} of {TRIALS}");
}

/// The findings on two arms with these ratios in their pairs.
fn findings(ratios: &[f64]) -> Vec<Finding> {
    let mut runs = vec![];
    for (pair, ratio) in ratios.iter().enumerate() {
        runs.push(run(&base(), pair, [1.0; 5]));
        runs.push(run(&other(), pair, [*ratio; 5]));
    }
    let comparisons = compare(&runs, &base(), &other(), &runs[0].cell(), 1);
    comparisons.into_iter().map(|one| one.finding).collect()
}

#[test]
fn no_difference_is_not_a_finding_where_almost_anything_fits() {
    let check = |ratios: &[f64], expected: Finding| {
        assert!(
            findings(ratios).iter().all(|one| *one == expected),
            "{ratios:?}"
        );
    };
    check(&[1.5, 0.6, 1.2], Finding::Inconclusive);
    check(&[1.05, 0.96], Finding::Inconclusive);
    check(&[1.05, 0.96, 1.02], Finding::NoDifference);
    // A small difference, and sure: within the band that counts as equal, or across its edge.
    check(&[1.020, 1.021, 1.022], Finding::NoDifference);
    check(&[1.046, 1.047, 1.048], Finding::Inconclusive);
}

#[test]
fn a_pair_whose_orders_ended_differently_is_not_compared() {
    let mut runs = vec![];
    for pair in 0..3 {
        runs.push(run(&base(), pair, [1.0; 5]));
        runs.push(run(&other(), pair, [2.0 + 0.01 * pair as f64; 5]));
    }
    let (confirmed, expired) = (
        Endings {
            confirmed: 100,
            ..Endings::default()
        },
        Endings {
            confirmed: 90,
            expired: 10,
            ..Endings::default()
        },
    );
    for run in &mut runs {
        run.endings = confirmed;
    }
    let pairs = |runs: &[Run]| compare(runs, &base(), &other(), &runs[0].cell(), 1).remove(0);
    assert_eq!(pairs(&runs).pairs, 3);
    runs[1].endings = expired;
    assert_eq!(pairs(&runs).pairs, 2);
    runs[3].endings = expired;
    let withheld = sentence(&pairs(&runs));
    assert!(
        withheld.contains("void, because their orders ended differently"),
        "{withheld}"
    );
}

#[test]
fn a_void_run_that_was_repeated_counts_by_its_repetition() {
    let mut runs = vec![];
    for pair in 0..3 {
        runs.push(run(&base(), pair, [1.0; 5]));
        runs.push(run(&other(), pair, [2.0 + 0.01 * pair as f64; 5]));
    }
    let again = runs[1].clone();
    runs[1].void = Some("late".to_owned());
    runs.push(again);
    assert_eq!(
        compare(&runs, &base(), &other(), &runs[0].cell(), 1)[0].pairs,
        3
    );
}

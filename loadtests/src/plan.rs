//! The plan: which runs a comparison is made of, and in which sequence.

use analysis::model::{Arm, ArmName, LoadModel, Scenario};
use analysis::verdict::FULL_PAIRS;
use harness::run::RunSpec;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use crate::cli::Options;

/// Pairs of runs of the quick method's main cell.
pub(crate) const QUICK_PAIRS: usize = 3;
/// Orders per second of the quick method's main cell.
pub(crate) const QUICK_RATE: f64 = 50.0;

/// Orders per second that one payment service can handle when the provider takes 500 ms: two calls
/// per order, and 64 calls in flight. Beyond it S4 would measure that limit.
const SLOW_PROVIDER_RATE: f64 = 50.0;
/// Users of the closed model that shows the effect of replicas.
const REPLICA_USERS: usize = 64;

/// A cell that every arm runs in each pair.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct CellPlan {
    pub(crate) scenario: Scenario,
    pub(crate) load: LoadModel,
    pub(crate) replicas: usize,
    /// Whether arms on SQS run once more next to each pair, with SQS as slow as Amazon's. An arm
    /// without SQS does not change with it, and its run serves both comparisons.
    pub(crate) remote_too: bool,
    pub(crate) pairs: usize,
}

impl CellPlan {
    fn new(scenario: Scenario, load: LoadModel, pairs: usize) -> CellPlan {
        CellPlan {
            scenario,
            load,
            replicas: 1,
            remote_too: false,
            pairs,
        }
    }
}

/// The cells of these options, without the full method.
pub(crate) fn cells(options: &Options) -> Vec<CellPlan> {
    let scenarios = options
        .scenarios
        .clone()
        .unwrap_or_else(|| vec![Scenario::Checkout]);
    let loads: Vec<LoadModel> = match (&options.rates, options.users) {
        (Some(rates), _) => rates.iter().map(|rate| LoadModel::open(*rate)).collect(),
        (None, Some(users)) => vec![LoadModel::Closed {
            users: users as usize,
        }],
        (None, None) if options.scenarios.is_some() => vec![LoadModel::open(QUICK_RATE)],
        (None, None) => return quick(options.pairs),
    };
    let pairs = options.pairs.map_or(QUICK_PAIRS, |pairs| pairs as usize);
    let cells = scenarios.into_iter().flat_map(|scenario| {
        let cell = move |load: &LoadModel| CellPlan::new(scenario, *load, pairs);
        loads.iter().map(cell)
    });
    cells.collect()
}

/// The cells of the quick method: one with enough pairs for an interval, and one pair of a burst
/// for its chart.
pub(crate) fn quick(pairs: Option<u32>) -> Vec<CellPlan> {
    let open = LoadModel::open(QUICK_RATE);
    let pairs = pairs.map_or(QUICK_PAIRS, |pairs| pairs as usize);
    vec![
        CellPlan {
            remote_too: true,
            ..CellPlan::new(Scenario::Checkout, open, pairs)
        },
        CellPlan::new(Scenario::Burst, open, 1),
    ]
}

/// The cells of the full method, at 25, 50 and 80% of the weaker arm's capacity.
pub(crate) fn full(weaker_per_s: f64, options: &Options) -> Vec<CellPlan> {
    let rate = |share: f64| (weaker_per_s * share).max(1.0).round();
    let pairs = |usual: usize| options.pairs.map_or(usual, |pairs| pairs as usize);
    let cell = |scenario, rate| CellPlan::new(scenario, LoadModel::open(rate), pairs(FULL_PAIRS));
    let mut cells = vec![
        cell(Scenario::Checkout, rate(0.25)),
        cell(Scenario::Checkout, rate(0.80)),
    ];
    let scenarios = options.scenarios.clone();
    let scenarios = scenarios.unwrap_or_else(|| Scenario::ALL.to_vec());
    let half = |scenario| match scenario {
        Scenario::SlowProvider => rate(0.50).min(SLOW_PROVIDER_RATE),
        // Three times the half would be beyond the capacity, and beyond what the generator, which
        // shares the machine, can send in time.
        Scenario::Burst => rate(0.25),
        _ => rate(0.50),
    };
    cells.extend(scenarios.into_iter().map(|scenario| CellPlan {
        remote_too: scenario == Scenario::Checkout,
        ..cell(scenario, half(scenario))
    }));
    let users = REPLICA_USERS;
    cells.extend((1..=4).map(|replicas| CellPlan {
        replicas,
        ..CellPlan::new(
            Scenario::Checkout,
            LoadModel::Closed { users },
            pairs(QUICK_PAIRS),
        )
    }));
    cells
}

/// The sequence of runs: the pairs of all cells in random order, and within each pair the arms in
/// random order, so that drift affects all arms equally.
pub(crate) fn schedule(cells: &[CellPlan], arms: &[ArmName], seed: u64) -> Vec<RunSpec> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut pairs: Vec<(CellPlan, usize)> = cells
        .iter()
        .flat_map(|cell| (0..cell.pairs).map(|pair| (*cell, pair)))
        .collect();
    pairs.shuffle(&mut random);

    let mut planned = vec![];
    for (cell, pair) in pairs {
        let mut neighbours: Vec<(&ArmName, bool)> = arms.iter().map(|arm| (arm, false)).collect();
        if cell.remote_too {
            let on_sqs = arms
                .iter()
                .filter(|arm| arm.arm().is_some_and(Arm::uses_sqs));
            neighbours.extend(on_sqs.map(|arm| (arm, true)));
        }
        neighbours.shuffle(&mut random);
        for (arm, remote_sqs) in neighbours {
            planned.push(RunSpec {
                arm: arm.clone(),
                scenario: cell.scenario,
                load: cell.load,
                replicas: cell.replicas,
                remote_sqs,
                pair,
                position: planned.len(),
            });
        }
    }
    planned
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Top};

    #[test]
    fn each_pair_runs_every_arm_next_to_each_other_in_the_order_of_the_seed() {
        let arms = [Arm::Monolith, Arm::Services].map(ArmName::from);
        let planned = schedule(&quick(None), &arms, 1);
        assert_eq!(planned, schedule(&quick(None), &arms, 1));

        let main = |run: &&RunSpec| run.scenario == Scenario::Checkout && !run.remote_sqs;
        assert_eq!(planned.iter().filter(main).count(), 2 * QUICK_PAIRS);
        for run in planned.iter().filter(main) {
            let partner = planned
                .iter()
                .find(|other| main(other) && other.pair == run.pair && other.arm != run.arm)
                .unwrap();
            // Only the run with slow SQS may lie between.
            assert!(partner.position.abs_diff(run.position) <= 2);
        }
    }

    #[test]
    fn neither_a_slow_provider_nor_a_burst_overruns_an_arm_in_the_full_method() {
        let Top::Compare(compare) = Cli::parse_from(["cargo", "compare", "--full"]).command;
        for cell in full(400.0, &compare.options) {
            if let LoadModel::Open(rate) = cell.load {
                let rate = rate.get();
                assert!(rate <= 50.0 || cell.scenario != Scenario::SlowProvider);
                assert!(3.0 * rate <= 320.0 || cell.scenario != Scenario::Burst);
            }
        }
    }

    #[test]
    fn slow_sqs_is_for_arms_that_use_it() {
        let arms = Arm::ALL.map(ArmName::from);
        let planned = schedule(&quick(Some(2)), &arms, 1);
        let slow = planned.iter().filter(|run| run.remote_sqs);
        assert!(slow.clone().all(|run| run.arm.arm().unwrap().uses_sqs()));
        assert_eq!(slow.count(), 2 * 2);
    }
}

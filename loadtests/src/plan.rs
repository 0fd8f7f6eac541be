//! Which runs a comparison is made of, in which order.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

use crate::arms::Arm;
use crate::arms::plant::Plant;
use crate::cli::Options;
use crate::load::Scenario;
use crate::results::run::Cell;
use crate::sqs_latency::SqsLatency;
use crate::verdicts;

/// Pairs of runs a cell in the full method: enough to find a fifth, see `statistics::simulation`.
pub const FULL_PAIRS: usize = 12;
/// Pairs of the quick method's main cell.
pub const QUICK_PAIRS: usize = 3;
/// Orders per second of the quick method's main cell.
pub const QUICK_RATE: f64 = 50.0;

/// The model of runs that search for a capacity. They are in no verdict.
pub const PROBE: &str = "capacity";
/// Orders per second that one payment service can see to when the provider takes 500 ms: two calls
/// an order, and 64 in flight. Beyond it S4 would measure that limit.
const SLOW_PROVIDER_RATE: f64 = 50.0;
/// Users of the closed model that shows what replicas bring.
const REPLICA_USERS: usize = 64;

/// What all runs of a comparison share.
#[derive(Clone, Debug)]
pub struct Settings {
    pub warm_up: Duration,
    pub duration: Duration,
    pub objective: Duration,
    pub cancellation_window: Duration,
    pub order_expiry: Duration,
    pub products: usize,
    pub customers: usize,
    pub seed: u64,
    pub sqs_latency: SqsLatency,
    pub plant: Option<Plant>,
}

/// One run to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct Planned {
    pub arm: Arm,
    /// The arm's name in this comparison: an arm that is compared with itself has two.
    pub label: String,
    pub scenario: Scenario,
    pub model: Model,
    pub replicas: usize,
    pub remote_sqs: bool,
    pub pair: usize,
    pub position: usize,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Model {
    /// Orders per second, whatever becomes of them.
    Open { rate: f64 },
    /// The same, as a step in the search for an arm's capacity.
    Probe { rate: f64 },
    /// Users who each order again as soon as their order is settled.
    Closed { users: usize },
}

impl Model {
    pub fn name(self) -> &'static str {
        match self {
            Model::Open { .. } => "open",
            Model::Probe { .. } => PROBE,
            Model::Closed { .. } => "closed",
        }
    }
}

impl Planned {
    /// Orders per second offered; of the closed model, the number of users.
    pub fn rate(&self) -> f64 {
        match self.model {
            Model::Open { rate } | Model::Probe { rate } => rate,
            Model::Closed { users } => users as f64,
        }
    }

    /// The part of the run that all arms share.
    pub fn cell(&self) -> Cell {
        Cell {
            scenario: self.scenario.code().to_owned(),
            model: self.model.name().to_owned(),
            rate_millis: (self.rate() * 1_000.0) as u64,
            replicas: self.replicas,
            remote_sqs: self.remote_sqs,
        }
    }

    /// For the progress bar: `A3 S1 50/s, pair 2`.
    pub fn title(&self) -> String {
        let (label, load) = (&self.label, verdicts::short(&self.cell()));
        format!("{label} {load}, pair {}", self.pair + 1)
    }
}

/// A cell to be run by every arm, so many times.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CellPlan {
    pub scenario: Scenario,
    pub model: Model,
    pub replicas: usize,
    /// Whether arms on SQS run once more beside each pair, with SQS as slow as Amazon's. What
    /// needs no broker is as it was, however slow the broker is, and serves both comparisons.
    pub remote_too: bool,
    pub pairs: usize,
}

impl CellPlan {
    fn new(scenario: Scenario, model: Model, pairs: usize) -> CellPlan {
        CellPlan {
            scenario,
            model,
            replicas: 1,
            remote_too: false,
            pairs,
        }
    }
}

/// What these options ask for.
pub fn cells(options: &Options) -> Vec<CellPlan> {
    let scenarios = options
        .scenarios
        .clone()
        .unwrap_or_else(|| vec![Scenario::Checkout]);
    let models: Vec<Model> = match (&options.rates, options.users) {
        (Some(rates), _) => rates
            .iter()
            .map(|rate| Model::Open { rate: *rate })
            .collect(),
        (None, Some(users)) => vec![Model::Closed {
            users: users as usize,
        }],
        (None, None) if options.scenarios.is_some() => vec![Model::Open { rate: QUICK_RATE }],
        (None, None) => return quick(options.pairs),
    };
    let pairs = options.pairs.map_or(QUICK_PAIRS, |pairs| pairs as usize);
    let cells = scenarios.into_iter().flat_map(|scenario| {
        let cell = move |model: &Model| CellPlan::new(scenario, *model, pairs);
        models.iter().map(cell)
    });
    cells.collect()
}

/// The quick method: one cell with enough pairs for an interval, and one pair of a burst, which is
/// worth seeing.
pub fn quick(pairs: Option<u32>) -> Vec<CellPlan> {
    let open = Model::Open { rate: QUICK_RATE };
    let pairs = pairs.map_or(QUICK_PAIRS, |pairs| pairs as usize);
    vec![
        CellPlan {
            remote_too: true,
            ..CellPlan::new(Scenario::Checkout, open, pairs)
        },
        CellPlan::new(Scenario::Burst, open, 1),
    ]
}

/// The full method, at 25, 50 and 80% of what the weaker arm can take.
pub fn full(weaker_per_s: f64, options: &Options) -> Vec<CellPlan> {
    let rate = |share: f64| Model::Open {
        rate: (weaker_per_s * share).max(1.0).round(),
    };
    let pairs = |usual: usize| options.pairs.map_or(usual, |pairs| pairs as usize);
    let cell = |scenario, model| CellPlan::new(scenario, model, pairs(FULL_PAIRS));
    let mut cells = vec![
        cell(Scenario::Checkout, rate(0.25)),
        cell(Scenario::Checkout, rate(0.80)),
    ];
    let scenarios = options.scenarios.clone();
    let scenarios = scenarios.unwrap_or_else(|| Scenario::ALL.to_vec());
    let half = |scenario| match (scenario, rate(0.50)) {
        (Scenario::SlowProvider, Model::Open { rate }) => Model::Open {
            rate: rate.min(SLOW_PROVIDER_RATE),
        },
        // Three times as much would be beyond the capacity, and beyond what the generator, which
        // shares the machine, can send in time.
        (Scenario::Burst, _) => rate(0.25),
        (_, model) => model,
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
            Model::Closed { users },
            pairs(QUICK_PAIRS),
        )
    }));
    cells
}

/// Every cell's pairs in random order, and within each pair the arms in random order: what drifts
/// hits all arms alike.
pub fn order(cells: &[CellPlan], arms: &[(Arm, String)], seed: u64) -> Vec<Planned> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut pairs: Vec<(CellPlan, usize)> = cells
        .iter()
        .flat_map(|cell| (0..cell.pairs).map(|pair| (*cell, pair)))
        .collect();
    pairs.shuffle(&mut random);

    let mut planned = vec![];
    for (cell, pair) in pairs {
        let mut neighbours: Vec<(&(Arm, String), bool)> =
            arms.iter().map(|arm| (arm, false)).collect();
        if cell.remote_too {
            let on_sqs = arms.iter().filter(|(arm, _)| arm.uses_sqs());
            neighbours.extend(on_sqs.map(|arm| (arm, true)));
        }
        neighbours.shuffle(&mut random);
        for ((arm, label), remote_sqs) in neighbours {
            planned.push(Planned {
                arm: *arm,
                label: label.clone(),
                scenario: cell.scenario,
                model: cell.model,
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
        let arms = [
            (Arm::Monolith, "A0".to_owned()),
            (Arm::Services, "A3".to_owned()),
        ];
        let planned = order(&quick(None), &arms, 1);
        assert_eq!(planned, order(&quick(None), &arms, 1));

        let main = |run: &&Planned| run.scenario == Scenario::Checkout && !run.remote_sqs;
        assert_eq!(planned.iter().filter(main).count(), 2 * QUICK_PAIRS);
        for run in planned.iter().filter(main) {
            let partner = planned
                .iter()
                .find(|other| main(other) && other.pair == run.pair && other.arm != run.arm)
                .unwrap();
            // At most the run with slow SQS lies between.
            assert!(partner.position.abs_diff(run.position) <= 2);
        }
    }

    #[test]
    fn neither_a_slow_provider_nor_a_burst_overruns_an_arm_in_the_full_method() {
        let Top::Compare(asked) = Cli::parse_from(["cargo", "compare", "--full"]).command;
        for cell in full(400.0, &asked.options) {
            if let Model::Open { rate } = cell.model {
                assert!(rate <= 50.0 || cell.scenario != Scenario::SlowProvider);
                assert!(3.0 * rate <= 320.0 || cell.scenario != Scenario::Burst);
            }
        }
    }

    #[test]
    fn slow_sqs_is_for_arms_that_use_it() {
        let arms = Arm::ALL.map(|arm| (arm, arm.code().to_owned()));
        let planned = order(&quick(Some(2)), &arms, 1);
        let slow = planned.iter().filter(|run| run.remote_sqs);
        assert!(slow.clone().all(|run| run.arm.uses_sqs()));
        assert_eq!(slow.count(), 2 * 2);
    }
}

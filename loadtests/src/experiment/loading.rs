//! The load of a run: first a warm-up, which is finished and in no figure, then what is measured.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::audit::Sent;
use crate::load::scenario::World;
use crate::load::schedule::Shape;
use crate::load::{Attack, Operation, Outcome, Pace, Recorder, attack, schedule};
use crate::plan::{Model, Planned, Settings};

/// Users are all there before the first slot.
const LEAD: Duration = Duration::from_millis(300);

/// Where a load goes, and in whose name.
pub(super) struct Door {
    pub base_urls: Vec<String>,
    pub tokens: Vec<String>,
    /// What the idempotency keys begin with.
    pub keys: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    WarmUp,
    Measured,
}

/// What was sent, and what came back.
pub(super) struct Load {
    pub outcomes: Vec<Outcome>,
    /// The orders that were accepted.
    pub accepted: Vec<Sent>,
    /// Orders that were asked for in vain.
    pub failed: u64,
    /// Turns there were to take.
    pub offered: u64,
    /// The beginning in milliseconds since 1970.
    pub begin_ms: f64,
    pub length: Duration,
}

pub(super) async fn load(
    settings: &Settings,
    planned: &Planned,
    door: &Door,
    phase: Phase,
) -> anyhow::Result<Load> {
    let stream = Stream::of(settings, planned, phase);
    let begin = Instant::now() + LEAD;
    let begin_ms = wall_ms()? + LEAD.as_secs_f64() * 1_000.0;
    let pace = match planned.model {
        Model::Closed { .. } => Pace::closed(stream.length, begin),
        _ => Pace::open(stream.slots.clone(), begin),
    };
    let sent = Arc::new(Attack {
        base_urls: door.base_urls.clone(),
        scenario: planned.scenario,
        seed: stream.seed,
        keys: format!("{}{}", door.keys, stream.key),
        products: settings.products,
        last_orders: door.tokens.iter().map(|_| Mutex::default()).collect(),
        tokens: door.tokens.clone(),
        pace,
        awaits: matches!(planned.model, Model::Closed { .. }),
        recorder: Recorder::default(),
    });
    attack(Arc::clone(&sent), users(planned), stream.length).await?;
    let outcomes = sent.recorder.take();
    let turns = outcomes.iter().filter(|one| one.took_turn()).count();
    let offered = match planned.model {
        Model::Closed { .. } => turns,
        _ => stream.slots.len(),
    };
    let orders = outcomes.iter().filter(|one| one.operation == "place_order");
    Ok(Load {
        failed: orders.filter(|one| one.is_error()).count() as u64,
        accepted: accepted(&sent, &outcomes),
        outcomes,
        offered: offered as u64,
        begin_ms,
        length: stream.length,
    })
}

/// In the open model a user for every operation of some seconds: enough unless the arm stands
/// still. A mix has more operations than orders.
fn users(planned: &Planned) -> usize {
    match planned.model {
        Model::Closed { users } => users,
        Model::Open { rate } | Model::Probe { rate } => {
            (rate / planned.scenario.order_share() * 6.0) as usize + 20
        }
    }
}

/// The operations of a phase, and their times. Those of the warm-up are others than the measured
/// ones, and so are their keys.
struct Stream {
    seed: u64,
    key: &'static str,
    length: Duration,
    /// None in the closed model.
    slots: Vec<Duration>,
}

impl Stream {
    fn of(settings: &Settings, planned: &Planned, phase: Phase) -> Stream {
        let (seed, key, length, shape) = match phase {
            Phase::WarmUp => (
                !settings.seed,
                "-warm-up",
                settings.warm_up,
                Shape::Constant,
            ),
            Phase::Measured => {
                let shape = planned.scenario.shape(settings.duration);
                (settings.seed, "", settings.duration, shape)
            }
        };
        let slots = match planned.model {
            Model::Closed { .. } => vec![],
            Model::Open { rate } | Model::Probe { rate } => {
                let operations = rate / planned.scenario.order_share();
                schedule::slots(shape, operations, length)
            }
        };
        Stream {
            seed,
            key,
            length,
            slots,
        }
    }
}

/// What each accepted order asked for, read from its number again.
fn accepted(sent: &Attack, outcomes: &[Outcome]) -> Vec<Sent> {
    let world = World {
        customers: sent.tokens.len(),
        products: sent.products,
    };
    let orders = outcomes.iter().filter_map(|one| one.order);
    let orders = orders.map(|order| Sent {
        id: order.id,
        lines: match sent.scenario.operation(sent.seed, order.number, world) {
            Operation::Order { order, .. } => {
                let lines = order.lines.into_iter();
                lines.map(|line| (line.sku, line.quantity)).collect()
            }
            _ => BTreeMap::new(),
        },
    });
    orders.collect()
}

pub(super) fn wall_ms() -> anyhow::Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::asked::settings;
    use crate::cli::{Cli, Top};
    use crate::load::Scenario;
    use crate::plan;

    fn planned(scenario: &str) -> (Settings, Planned) {
        let all = ["cargo", "compare", "--rates", "50", "--scenarios", scenario];
        let Top::Compare(asked) = Cli::parse_from(all).command;
        let cells = plan::cells(&asked.options);
        let planned = plan::order(&cells, &asked.options.deployment.arms.0, 1).remove(0);
        (settings(&asked.options).unwrap(), planned)
    }

    #[test]
    fn the_warm_up_shares_neither_operations_nor_keys_with_what_is_measured() {
        let (settings, planned) = planned("S1");
        let stream = |phase| Stream::of(&settings, &planned, phase);
        let (warm_up, measured) = (stream(Phase::WarmUp), stream(Phase::Measured));
        assert_ne!(warm_up.key, measured.key);
        let world = World {
            customers: 20,
            products: 1_000,
        };
        let first = |stream: &Stream| Scenario::Checkout.operation(stream.seed, 0, world);
        assert_ne!(first(&warm_up), first(&measured));
        // The same rate, from a first slot of its own.
        assert_eq!(warm_up.slots[..], measured.slots[..warm_up.slots.len()]);
    }

    #[test]
    fn a_mix_has_users_for_all_its_operations() {
        let (checkout, mix) = (planned("S1").1, planned("S2").1);
        assert_eq!((users(&checkout), users(&mix)), (320, 1_020));
    }
}

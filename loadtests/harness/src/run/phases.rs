//! The loads of a run: a warm-up, which is completed and in no figure, the measured load, and for
//! an overload the search for its rate before.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use analysis::model::LoadModel;
use tokio::time::Instant;

use super::spec::{RunSettings, RunSpec};
use super::subject::Endpoint;
use crate::audit::Sent;
use crate::load::operations::{order_share, shape};
use crate::load::schedule::{Shape, due_times};
use crate::load::{Arrivals, Attack, Outcome, Recorder, attack};

/// All generator users have started before the first operation is due.
pub(super) const LEAD: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    WarmUp,
    /// Finds out how many orders per second can be settled.
    Capacity,
    Measured,
}

/// The requests of one load, and their answers.
pub(super) struct Load {
    pub outcomes: Vec<Outcome>,
    /// The orders that were accepted.
    pub accepted: Vec<Sent>,
    /// Orders that were requested and not accepted.
    pub failed: u64,
    /// Operations that were due.
    pub offered: u64,
    /// The beginning in milliseconds since 1970.
    pub begin_ms: f64,
    pub length: Duration,
}

pub(super) async fn load(
    settings: &RunSettings,
    spec: &RunSpec,
    endpoint: &Endpoint,
    phase: Phase,
) -> anyhow::Result<Load> {
    let stream = Stream::of(settings, spec, phase);
    let begin = Instant::now() + LEAD;
    let begin_ms = wall_ms()? + LEAD.as_secs_f64() * 1_000.0;
    let closed = spec.load.is_closed();
    let arrivals = match closed {
        true => Arrivals::closed(stream.length, begin),
        false => Arrivals::open(stream.due.clone(), begin),
    };
    let sent = Arc::new(Attack {
        base_urls: endpoint.base_urls.clone(),
        scenario: spec.scenario,
        seed: stream.seed,
        keys: format!("{}{}", endpoint.key_prefix, stream.key),
        products: settings.products,
        last_orders: endpoint.tokens.iter().map(|_| Mutex::default()).collect(),
        tokens: endpoint.tokens.clone(),
        arrivals,
        awaits: closed,
        sampling: None,
        recorder: Recorder::default(),
    });
    attack(Arc::clone(&sent), users(settings, spec), stream.length).await?;
    let outcomes = sent.recorder.take();
    let offered = match closed {
        true => outcomes.iter().filter(|one| one.is_scheduled()).count(),
        false => stream.due.len(),
    };
    let orders = outcomes.iter().filter(|one| one.is_order());
    Ok(Load {
        failed: orders.filter(|one| one.is_error()).count() as u64,
        accepted: sent.accepted(&outcomes),
        outcomes,
        offered: offered as u64,
        begin_ms,
        length: stream.length,
    })
}

/// The number of generator users. In the open model there is one for every operation that is
/// open at a time. A mix has more operations than orders.
fn users(settings: &RunSettings, spec: &RunSpec) -> usize {
    match spec.load {
        LoadModel::Closed { users } => users,
        LoadModel::Open(rate) | LoadModel::Probe(rate) => {
            let per_s = rate.get() / order_share(spec.scenario);
            (per_s * settings.longest_operation.as_secs_f64()) as usize + 20
        }
    }
}

/// The operations of a phase, and their times. The warm-up has other operations and other keys than
/// the measured load.
struct Stream {
    seed: u64,
    key: &'static str,
    length: Duration,
    /// When each operation is due. Empty in the closed model.
    due: Vec<Duration>,
}

impl Stream {
    fn of(settings: &RunSettings, spec: &RunSpec, phase: Phase) -> Stream {
        let (seed, key, length, shape) = match phase {
            Phase::WarmUp => (
                !settings.seed,
                "-warm-up",
                settings.warm_up,
                Shape::Constant,
            ),
            Phase::Capacity => (
                settings.seed.rotate_left(1),
                "-capacity",
                settings.duration,
                Shape::Constant,
            ),
            Phase::Measured => {
                let of_scenario = shape(spec.scenario, settings.duration);
                let shape = settings.shape.unwrap_or(of_scenario);
                (settings.seed, "", settings.duration, shape)
            }
        };
        let due = match spec.load.rate() {
            None => vec![],
            Some(rate) => due_times(shape, rate / order_share(spec.scenario), length),
        };
        Stream {
            seed,
            key,
            length,
            due,
        }
    }
}

pub(super) fn wall_ms() -> anyhow::Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use analysis::model::{Arm, Scenario};

    use super::*;
    use crate::load::Population;
    use crate::load::operations::operation;
    use crate::sqs_latency::SqsLatency;

    fn spec(scenario: Scenario) -> RunSpec {
        RunSpec {
            arm: Arm::Monolith.into(),
            scenario,
            load: LoadModel::open(50.0),
            replicas: 1,
            remote_sqs: false,
            pair: 0,
            position: 0,
        }
    }

    fn settings() -> RunSettings {
        RunSettings {
            warm_up: Duration::from_secs(1),
            duration: Duration::from_secs(6),
            objective: Duration::from_millis(500),
            cancellation_window: Duration::from_secs(2),
            order_expiry: Duration::from_secs(3),
            overdue: None,
            longest_operation: Duration::from_secs(6),
            products: 1_000,
            customers: 50,
            seed: 1,
            shape: None,
            sqs_latency: SqsLatency::from_data().unwrap(),
            slowdown: None,
        }
    }

    #[test]
    fn the_warm_up_shares_neither_operations_nor_keys_with_the_measured_load() {
        let settings = settings();
        let spec = spec(Scenario::Checkout);
        let stream = |phase| Stream::of(&settings, &spec, phase);
        let (warm_up, measured) = (stream(Phase::WarmUp), stream(Phase::Measured));
        assert_ne!(warm_up.key, measured.key);
        let population = Population {
            customers: 20,
            products: 1_000,
        };
        let first = |stream: &Stream| operation(spec.scenario, stream.seed, 0, population);
        assert_ne!(first(&warm_up), first(&measured));
        // The same rate, from a beginning of its own.
        assert_eq!(warm_up.due[..], measured.due[..warm_up.due.len()]);
    }

    #[test]
    fn a_mix_has_users_for_all_its_operations() {
        let (checkout, mix) = (spec(Scenario::Checkout), spec(Scenario::Mix));
        let settings = settings();
        let users = |spec| users(&settings, spec);
        assert_eq!((users(&checkout), users(&mix)), (320, 1_020));
    }
}

//! One run, from fresh databases to an audited result.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::drain::{Left, Watch};
use super::meter::{self, Reading};
use super::settling::{self, Timing};
use crate::arms::deployment::Wanted;
use crate::arms::{Deployment, Surroundings};
use crate::audit::audit;
use crate::load::{Attack, Outcome, Pace, Recorder, attack, schedule};
use crate::measure::postgres;
use crate::plan::{Model, Planned, Settings};
use crate::results::{Audit, Run};

/// Lateness of the generator itself, at its 99th percentile, above which a run is void.
const LAG_LIMIT_MS: f64 = 5.0;
/// How long an arm may take, after the load, to finish what it has accepted.
const DRAIN_LIMIT: Duration = Duration::from_secs(90);
/// Users are all there before the first slot.
const LEAD: Duration = Duration::from_millis(300);

/// Starts the arm, loads it, waits until it is done, audits it and takes it down. None when it was
/// told to stop before it was done.
///
/// # Errors
/// When something cannot be started, reached or read: that is no result of the arm.
pub async fn one_run(
    around: &Surroundings,
    settings: &Settings,
    planned: &Planned,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Run>> {
    let deployment = Deployment::start(around, &wanted(settings, planned))
        .await
        .with_context(|| format!("cannot start {}", planned.label))?;
    let measured = stop
        .run_until_cancelled(measure(around, settings, planned, &deployment))
        .await;
    deployment.remove(around).await?;
    measured.transpose()
}

async fn measure(
    around: &Surroundings,
    settings: &Settings,
    planned: &Planned,
    deployment: &Deployment,
) -> anyhow::Result<Run> {
    let sources = deployment.sources();
    let mut watch = Watch::start(&sources).await?;
    let mut meter = postgres::Meter::open(&sources).await?;
    watch.backends.extend(meter.backends().await?);

    let before = Reading::take(deployment, &mut meter, &watch.backends).await?;
    let door = Door {
        base_url: &deployment.base_url,
        tokens: around.tokens(settings.customers)?,
        seed: settings.seed,
        keys: settings.seed.to_string(),
    };
    let (outcomes, timing) = load(settings, planned, door).await?;
    let (drained, left) = watch.drain(DRAIN_LIMIT).await?;
    let after = Reading::take(deployment, &mut meter, &watch.backends).await?;
    let own_statements = watch.statements + meter.own_statements();

    let mut books = sources.read().await?;
    books.outboxes = watch.outboxes().await?.into_iter().collect();
    let mut run = Run {
        arm: planned.label.clone(),
        scenario: planned.scenario.code().to_owned(),
        model: planned.model.name().to_owned(),
        rate_per_s: planned.rate(),
        pair: planned.pair,
        position: planned.position,
        replicas: planned.replicas,
        remote_sqs: planned.remote_sqs,
        duration_s: settings.duration.as_secs_f64(),
        offered: offered(settings, planned, outcomes.len()),
        drain_ms: drained.as_secs_f64() * 1_000.0,
        memory_bytes: meter::memory(deployment),
        audit: Audit {
            checks: audit(&books, &accepted(&outcomes)),
            not_run: None,
        },
        ..Run::default()
    };
    after.since(&before, own_statements, &mut run);
    settling::note(&mut run, &outcomes, &books, timing);
    run.void = void(&run, left);
    Ok(run)
}

fn wanted(settings: &Settings, planned: &Planned) -> Wanted {
    let sqs_arguments = match planned.remote_sqs {
        true => settings.sqs_latency.arguments(),
        false => vec![],
    };
    Wanted {
        arm: planned.arm,
        replicas: planned.replicas,
        products: settings.products,
        provider_latency_ms: planned.scenario.provider_latency_ms(),
        sqs_arguments,
        cancellation_window: settings.cancellation_window,
        order_expiry: settings.order_expiry,
        seed: settings.seed,
    }
}

/// Where a load goes, and in whose name.
pub(super) struct Door<'a> {
    pub base_url: &'a str,
    pub tokens: Vec<String>,
    pub seed: u64,
    /// What the idempotency keys begin with.
    pub keys: String,
}

pub(super) async fn load(
    settings: &Settings,
    planned: &Planned,
    door: Door<'_>,
) -> anyhow::Result<(Vec<Outcome>, Timing)> {
    let length = settings.warm_up + settings.duration;
    let begin = Instant::now() + LEAD;
    let begin_ms = wall_ms()? + LEAD.as_secs_f64() * 1_000.0;
    let (pace, users) = match planned.model {
        // A user for every request of some seconds: enough unless the arm stands still.
        Model::Open { rate } | Model::Probe { rate } => (
            Pace::open(slots(settings, planned, rate), begin),
            (rate * 6.0) as usize + 20,
        ),
        Model::Closed { users } => (Pace::closed(length, begin), users),
    };
    let sent = Arc::new(Attack {
        base_url: door.base_url.to_owned(),
        scenario: planned.scenario,
        seed: door.seed,
        keys: door.keys,
        products: settings.products,
        last_orders: door.tokens.iter().map(|_| Mutex::default()).collect(),
        tokens: door.tokens,
        pace,
        recorder: Recorder::default(),
    });
    attack(Arc::clone(&sent), users, length).await?;
    let timing = Timing {
        begin_ms,
        warm_up: settings.warm_up,
        length,
        objective: settings.objective,
    };
    Ok((sent.recorder.take(), timing))
}

/// Operations, of which the scenario makes `rate` orders a second.
fn slots(settings: &Settings, planned: &Planned, rate: f64) -> Vec<Duration> {
    let shape = planned.scenario.shape(settings.warm_up, settings.duration);
    let operations = rate / planned.scenario.order_share();
    schedule::slots(shape, operations, settings.warm_up + settings.duration)
}

pub(super) fn offered(settings: &Settings, planned: &Planned, sent: usize) -> u64 {
    match planned.model {
        Model::Open { rate } | Model::Probe { rate } => slots(settings, planned, rate).len() as u64,
        Model::Closed { .. } => sent as u64,
    }
}

pub(super) fn wall_ms() -> anyhow::Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0)
}

pub(super) fn accepted(outcomes: &[Outcome]) -> Vec<Uuid> {
    let orders = outcomes.iter().filter_map(|one| one.order);
    orders.map(|order| order.id).collect()
}

pub(super) fn void(run: &Run, left: Left) -> Option<String> {
    let (lag, waited) = (run.lag_ms.p99, run.drain_ms / 1_000.0);
    if !left.is_nothing() {
        return Some(format!(
            "{waited:.0} s after the load had ended there were still {left}"
        ));
    }
    let late = run.model != "closed" && lag > LAG_LIMIT_MS;
    late.then(|| {
        format!("the generator was {lag:.1} ms late at its 99th percentile, and the limit is 5 ms")
    })
}

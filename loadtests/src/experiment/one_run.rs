//! One run, from fresh databases to an audited result.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::drain::{self, Left, Watch};
use super::meter::{self, Reading};
use super::settling::{self, Timing};
use crate::arms::deployment::Wanted;
use crate::arms::{Deployment, Surroundings};
use crate::audit::{Books, audit};
use crate::load::{Attack, Outcome, Pace, Recorder, attack, schedule};
use crate::plan::{Model, Planned, Settings};
use crate::results::{Audit, Run};

/// Lateness of the generator itself, at its 99th percentile, above which a run is void.
const LAG_LIMIT_MS: f64 = 5.0;
/// How long an arm may take, after the load, to finish what it has accepted.
const DRAIN_LIMIT: Duration = Duration::from_secs(90);
/// Users are all there before the first slot.
pub(super) const LEAD: Duration = Duration::from_millis(300);

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
    let mut watch = Watch::start(deployment).await?;
    let mut meters = deployment.databases["orders"].connect().await?;
    watch.backends.push(drain::backend(&mut meters).await?);

    let before = Reading::take(deployment, &mut meters, &watch.backends).await?;
    let (outcomes, timing) = load(around, settings, planned, deployment).await?;
    let (drained, left) = watch.drain(deployment, DRAIN_LIMIT).await?;
    let after = Reading::take(deployment, &mut meters, &watch.backends).await?;

    let books = read_books(deployment, &mut watch).await?;
    let accepted: Vec<Uuid> = outcomes
        .iter()
        .filter_map(|one| Some(one.order?.id))
        .collect();
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
            checks: audit(&books, &accepted),
            not_run: None,
        },
        ..Run::default()
    };
    after.since(&before, &mut run);
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

async fn load(
    around: &Surroundings,
    settings: &Settings,
    planned: &Planned,
    deployment: &Deployment,
) -> anyhow::Result<(Vec<Outcome>, Timing)> {
    let length = settings.warm_up + settings.duration;
    let tokens = around.tokens(settings.customers)?;
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
        base_url: deployment.base_url.clone(),
        scenario: planned.scenario,
        seed: settings.seed,
        products: settings.products,
        last_orders: tokens.iter().map(|_| Mutex::default()).collect(),
        tokens,
        pace,
        recorder: Recorder::default(),
    });
    attack(Arc::clone(&sent), users, length).await?;
    let (warm_up, objective) = (settings.warm_up, settings.objective);
    Ok((
        sent.recorder.take(),
        Timing {
            begin_ms,
            warm_up,
            length,
            objective,
        },
    ))
}

/// Operations, of which the scenario makes `rate` orders a second.
pub(super) fn slots(settings: &Settings, planned: &Planned, rate: f64) -> Vec<Duration> {
    let shape = planned.scenario.shape(settings.warm_up, settings.duration);
    let operations = rate / planned.scenario.order_share();
    schedule::slots(shape, operations, settings.warm_up + settings.duration)
}

fn offered(settings: &Settings, planned: &Planned, sent: usize) -> u64 {
    match planned.model {
        Model::Open { rate } | Model::Probe { rate } => slots(settings, planned, rate).len() as u64,
        Model::Closed { .. } => sent as u64,
    }
}

pub(super) fn wall_ms() -> anyhow::Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0)
}

/// Everything the run left behind.
async fn read_books(deployment: &Deployment, watch: &mut Watch) -> anyhow::Result<Books> {
    let databases = &deployment.databases;
    let mut books = Books::default();
    books
        .read_orders(&mut databases["orders"].connect().await?)
        .await?;
    books
        .read_payments(&mut databases["payments"].connect().await?)
        .await?;
    let mut inventory = databases["inventory"].connect().await?;
    books
        .read_inventory(&mut inventory, &deployment.delivered)
        .await?;
    books
        .read_shipments(&mut databases["shipping"].connect().await?)
        .await?;
    books.ledger = deployment.provider.ledger().await?;
    if let Some(queues) = &deployment.queues {
        books.queues = queues.depths().await?;
    }
    books.outboxes = watch.outboxes().await?.into_iter().collect();
    Ok(books)
}

pub(super) fn void(run: &Run, left: Left) -> Option<String> {
    let (lag, limit) = (run.lag_ms.p99, DRAIN_LIMIT.as_secs());
    if !left.is_nothing() {
        return Some(format!(
            "work was left {limit} s after the load had ended: {left:?}"
        ));
    }
    let late = run.model != "closed" && lag > LAG_LIMIT_MS;
    late.then(|| {
        format!("the generator was {lag:.1} ms late at its 99th percentile, and the limit is 5 ms")
    })
}

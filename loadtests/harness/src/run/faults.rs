//! A run with a fault in the middle of a steady load.

mod cases;
mod figures;
mod inject;
mod queues;

use std::time::Duration;

use analysis::model::{Arm, ArmName, FaultCase, FaultRun, LoadModel, Rate, Scenario};
use anyhow::Context;
use contracts::topology::EXPIRY;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::inject::inject;
use super::figures as run_figures;
use super::local::{LocalShop, deployment_spec};
use super::phases::{LEAD, Phase, load};
use super::procedure::audited;
use super::spec::{RunSettings, RunSpec};
use super::subject::{Access, Subject};
use super::witness::Witness;
use crate::audit::sources::Delayed;
use crate::deployment::{Deployment, DeploymentSpec, Infrastructure};

pub use cases::cases;

/// The load before the fault.
const BEFORE: Duration = Duration::from_secs(4);
/// The load after it.
const AFTER: Duration = Duration::from_secs(6);
/// How long the arm may take, after the load, to finish what it has accepted: some messages come
/// back only after a visibility timeout of a minute, more than once.
const DRAIN_LIMIT: Duration = Duration::from_secs(240);

/// Starts the arm, loads it, lets the fault happen in the middle, waits until no work is left, and
/// audits. `None` when `stop` was cancelled before the end.
///
/// # Errors
/// When something cannot be started, reached or read. That is not a result of the arm.
pub async fn run_with_fault(
    infrastructure: &Infrastructure,
    settings: &RunSettings,
    case: &FaultCase,
    (rate, pair, position): (Rate, usize, usize),
    stop: &CancellationToken,
) -> anyhow::Result<Option<FaultRun>> {
    let length = Duration::from_secs(case.fault.length_s());
    let settings = RunSettings {
        duration: BEFORE + length + AFTER,
        ..settings.clone()
    };
    let spec = RunSpec {
        arm: ArmName::from(case.arm),
        scenario: Scenario::Checkout,
        load: LoadModel::Open(rate),
        replicas: case.replicas,
        remote_sqs: false,
        pair,
        position,
    };
    let deployed = DeploymentSpec {
        entry_gateway: case.arm == Arm::Monolith && case.replicas > 1,
        ..deployment_spec(&settings, &spec)?
    };
    let mut deployment = Deployment::start(infrastructure, &deployed)
        .await
        .with_context(|| format!("cannot start {}", spec.arm))?;
    let made = run(infrastructure, &mut deployment, &settings, &spec, case);
    let made = stop.run_until_cancelled(made).await;
    deployment.remove(infrastructure).await?;
    made.transpose()
}

async fn run(
    infrastructure: &Infrastructure,
    deployment: &mut Deployment,
    settings: &RunSettings,
    spec: &RunSpec,
    case: &FaultCase,
) -> anyhow::Result<FaultRun> {
    let shop = LocalShop::new(infrastructure, settings, deployment)?;
    let endpoint = shop.endpoint();
    let mut sources = deployment.sources();
    sources.delayed = Delayed::AllBut(EXPIRY);
    let access = Access::Databases {
        sources,
        clock_ahead_ms: 0.0,
    };

    let mut witness = Witness::open(&access, &endpoint).await?;
    let warm_up = load(settings, spec, &endpoint, Phase::WarmUp).await?;
    witness.drain(DRAIN_LIMIT, &warm_up).await?;
    let since = witness.newest_order().await?;
    // A fault of Postgres would end its connections.
    drop(witness);

    let begin = Instant::now() + LEAD;
    let queues = deployment.queues.as_ref();
    let queues = queues.map(|queues| queues.process.url.clone());
    let loaded = CancellationToken::new();
    let under_load = async {
        let measured = load(settings, spec, &endpoint, Phase::Measured).await;
        loaded.cancel();
        measured
    };
    let faulty = async {
        sleep_until(begin + BEFORE).await;
        inject(infrastructure, deployment, case, settings.seed).await?;
        anyhow::Ok(begin.elapsed().as_secs_f64())
    };
    let watching = queues::watch(queues, begin, &loaded);
    let (measured, end_s, queues) = tokio::join!(under_load, faulty, watching);
    let (measured, end_s, queues) = (measured?, end_s?, queues?);

    let mut witness = Witness::open(&access, &endpoint).await?;
    let drained = witness.drain(DRAIN_LIMIT, &measured).await?;
    let snapshot = witness.snapshot().await?;
    let mut run = spec.planned_run(settings);
    run.drain_ms = drained.after.as_secs_f64() * 1_000.0;
    run_figures::fill_in(&mut run, &measured, &snapshot, since, settings.objective);
    run.audit = audited(&access, &snapshot, &warm_up, &measured);
    if !drained.backlog.is_empty() {
        let waited = drained.after.as_secs();
        run.void = Some(format!(
            "{waited} s after the load had ended there were still {}",
            drained.backlog
        ));
    }
    let fault = BEFORE.as_secs_f64()..end_s;
    let mut made = figures::of(case.clone(), fault, &measured, &snapshot, run);
    made.queues = queues;
    Ok(made)
}

//! A run with a fault in the middle of a steady load.

mod cases;
mod figures;
mod inject;
mod loaded;
mod overload;
mod poison;
mod queues;
mod usage;

use std::time::Duration;

use analysis::model::{Arm, ArmName, Fault, FaultCase, FaultRun, LoadModel, Rate, Scenario};
use anyhow::Context;
use contracts::topology::EXPIRY;
use tokio_util::sync::CancellationToken;

use self::inject::prepare;
use super::figures as run_figures;
use super::local::{LocalShop, deployment_spec};
use super::phases::{Phase, load};
use super::procedure::audited;
use super::spec::{RunSettings, RunSpec};
use super::subject::{Access, Subject};
use super::witness::Witness;
use crate::audit::sources::Delayed;
use crate::deployment::{Deployment, DeploymentSpec, Infrastructure, environment};

pub use cases::cases;
pub(super) use loaded::load_with_fault;

/// The load before the fault.
pub(super) const BEFORE: Duration = Duration::from_secs(4);
/// The load after it.
pub(super) const AFTER: Duration = Duration::from_secs(6);
/// How long the arm may take, after the load, to finish what it has accepted: some messages come
/// back only after a visibility timeout of a minute, more than once.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(240);

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
        overdue: match case.fault {
            // Everything in the backlog would be published again, and handled again.
            Fault::SlowConsumer | Fault::Overload => None,
            _ => settings.overdue,
        },
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
    let deployed = deployment_spec(&settings, &spec)?;
    let data = infrastructure.logs.join(&deployed.name).join("queues");
    let deployed = DeploymentSpec {
        entry_gateway: case.arm == Arm::Monolith && case.replicas > 1,
        sqs_arguments: match case.fault {
            Fault::QueueServerKilled => vec!["--data".to_owned(), data.display().to_string()],
            _ => vec![],
        },
        drill: (case.fault == Fault::Poison).then_some(environment::PANIC),
        ..deployed
    };
    let mut deployment = Deployment::start(infrastructure, &deployed)
        .await
        .with_context(|| format!("cannot start {}", spec.arm))?;
    let plan = (&settings, &spec, &deployed, case, rate);
    let made = run(infrastructure, &mut deployment, plan);
    let made = stop.run_until_cancelled(made).await;
    deployment.remove(infrastructure).await?;
    made.transpose()
}

/// What is loaded, what is started, and what happens to it at which rate.
pub(super) type Plan<'a> = (
    &'a RunSettings,
    &'a RunSpec,
    &'a DeploymentSpec,
    &'a FaultCase,
    Rate,
);

async fn run(
    infrastructure: &Infrastructure,
    deployment: &mut Deployment,
    (settings, spec, deployed, case, rate): Plan<'_>,
) -> anyhow::Result<FaultRun> {
    prepare(deployment, case).await?;
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
    let (settings, spec, found) = match case.fault {
        Fault::Overload => overload::planned(settings, spec, &endpoint).await?,
        _ => (settings.clone(), spec.clone(), None),
    };
    let (settings, spec) = (&settings, &spec);
    if let Some(found) = &found {
        witness.drain(DRAIN_LIMIT, found).await?;
    }
    let since = witness.newest_order().await?;
    // A fault of Postgres would end its connections.
    drop(witness);

    let plan = (settings, spec, deployed, case, rate);
    let faulty = load_with_fault(infrastructure, deployment, plan, &endpoint).await?;
    let measured = &faulty.measured;

    let mut witness = Witness::open(&access, &endpoint).await?;
    let drained = witness.drain(DRAIN_LIMIT, measured).await?;
    poison::remove(deployment, faulty.poisoned).await?;
    let snapshot = witness.snapshot().await?;
    let mut run = spec.planned_run(settings);
    run.drain_ms = drained.after.as_secs_f64() * 1_000.0;
    run_figures::fill_in(&mut run, measured, &snapshot, since, settings.objective);
    let loads = [Some(&warm_up), found.as_ref(), Some(measured)];
    run.audit = audited(
        &access,
        &snapshot,
        &loads.into_iter().flatten().collect::<Vec<_>>(),
    );
    if !drained.backlog.is_empty() {
        let waited = drained.after.as_secs();
        run.void = Some(format!(
            "{waited} s after the load had ended there were still {}",
            drained.backlog
        ));
    }
    let mut made = figures::of(case.clone(), settings, faulty, &snapshot, run);
    made.capacity_per_s = found.as_ref().map(overload::capacity);
    if let Some(queues) = &deployment.queues {
        made.receives_per_message = queues::receives_per_message(&queues.process.url).await;
    }
    Ok(made)
}

//! A run of a deployment on this machine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use analysis::model::{LoadModel, Run};
use anyhow::Context;
use domain::CustomerId;
use tokio_util::sync::CancellationToken;

use super::meter::{GENERATOR, Usage, external};
use super::procedure::run;
use super::spec::{RunSettings, RunSpec};
use super::subject::{Access, Endpoint, Subject};
use crate::deployment::wiring::component;
use crate::deployment::{Deployment, DeploymentSpec, Infrastructure};
use crate::load::operations::provider_latency_ms;
use crate::measure::processes::{Processes, peak_memory_bytes};
use crate::measure::system::System;

/// How long an arm may take, after the load, to finish what it has accepted.
const DRAIN_LIMIT: Duration = Duration::from_secs(90);
/// The same in the search for a capacity, which exceeds it on purpose, and in the closed model. The
/// arm must finish all accepted work there too.
const LONG_DRAIN_LIMIT: Duration = Duration::from_secs(300);

/// Starts the arm, makes the run and removes the arm. `None` when `stop` was cancelled before the
/// end.
///
/// # Errors
/// When something cannot be started, reached or read. That is not a result of the arm.
pub async fn run_locally(
    infrastructure: &Infrastructure,
    settings: &RunSettings,
    spec: &RunSpec,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Run>> {
    let deployment = Deployment::start(infrastructure, &deployment_spec(settings, spec)?)
        .await
        .with_context(|| format!("cannot start {}", spec.arm))?;
    let subject = LocalShop::new(infrastructure, settings, &deployment)?;
    let made = stop
        .run_until_cancelled(run(&subject, settings, spec))
        .await;
    deployment.remove(infrastructure).await?;
    made.transpose()
}

pub(super) fn deployment_spec(
    settings: &RunSettings,
    spec: &RunSpec,
) -> anyhow::Result<DeploymentSpec> {
    let arm = spec.arm.arm();
    let name = spec.arm.to_string().replace(' ', "-");
    let sqs_arguments = match spec.remote_sqs {
        true => settings.sqs_latency.arguments(),
        false => vec![],
    };
    let slowdown = settings.slowdown.as_ref();
    let slowdown = slowdown.filter(|slowdown| slowdown.arm == spec.arm);
    Ok(DeploymentSpec {
        arm: arm.with_context(|| format!("{} is no arm that can be started", spec.arm))?,
        baseline: spec.arm.is_baseline(),
        name: format!("{:03}-{name}", spec.position + 1),
        replicas: spec.replicas,
        entry_gateway: false,
        products: settings.products,
        provider_latency_ms: provider_latency_ms(spec.scenario),
        sqs_arguments,
        cancellation_window: settings.cancellation_window,
        order_expiry: settings.order_expiry,
        overdue: settings.overdue,
        drill: None,
        seed: settings.seed,
        slowdown: slowdown.map(|slowdown| slowdown.burn),
        first_port: None,
        collector: None,
    })
}

/// A deployment with its customers.
pub(super) struct LocalShop<'a> {
    deployment: &'a Deployment,
    tokens: Vec<String>,
    key_prefix: String,
}

impl LocalShop<'_> {
    /// # Errors
    /// When the key of the tokens cannot sign.
    pub(super) fn new<'a>(
        infrastructure: &Infrastructure,
        settings: &RunSettings,
        deployment: &'a Deployment,
    ) -> anyhow::Result<LocalShop<'a>> {
        let customers: Vec<_> = (0..settings.customers).map(|_| CustomerId::new()).collect();
        Ok(LocalShop {
            tokens: infrastructure.tokens(&customers)?,
            deployment,
            key_prefix: settings.seed.to_string(),
        })
    }
}

impl Subject for LocalShop<'_> {
    fn endpoint(&self) -> Endpoint {
        Endpoint {
            base_urls: self.deployment.base_urls.clone(),
            tokens: self.tokens.clone(),
            key_prefix: self.key_prefix.clone(),
        }
    }

    /// Its databases are on this machine and have its clock.
    async fn access(&self) -> anyhow::Result<Access> {
        Ok(Access::Databases {
            sources: self.deployment.sources(),
            clock_ahead_ms: 0.0,
        })
    }

    fn drain_limit(&self, load: LoadModel) -> Duration {
        match load {
            LoadModel::Open(_) => DRAIN_LIMIT,
            LoadModel::Probe(_) | LoadModel::Closed { .. } => LONG_DRAIN_LIMIT,
        }
    }

    fn usage(&self, own_backends: &[u32]) -> anyhow::Result<Option<Usage>> {
        let processes = Processes::now()?;
        Ok(Some(Usage {
            at: Instant::now(),
            system: System::now(),
            cpu_ms: cpu_ms(self.deployment, &processes, own_backends),
        }))
    }

    /// The largest resident set of each process; for replicas, their sum.
    fn peak_memory(&self) -> BTreeMap<String, u64> {
        let mut memory = BTreeMap::new();
        for process in &self.deployment.processes {
            if let Some(bytes) = peak_memory_bytes(process.pid()) {
                *memory
                    .entry(component(&process.name).to_owned())
                    .or_default() += bytes;
            }
        }
        memory
    }
}

fn cpu_ms(
    deployment: &Deployment,
    processes: &Processes,
    own_backends: &[u32],
) -> BTreeMap<String, f64> {
    let mut cpu_ms = BTreeMap::new();
    for process in &deployment.processes {
        *cpu_ms
            .entry(component(&process.name).to_owned())
            .or_default() += processes.cpu_ms(process.pid());
    }
    let servers = deployment.postgres_pids.iter();
    let of_servers: f64 = servers.map(|pid| processes.tree_cpu_ms(*pid)).sum();
    let of_harness: f64 = own_backends.iter().map(|pid| processes.cpu_ms(*pid)).sum();
    cpu_ms.insert("postgres".to_owned(), of_servers - of_harness);

    let provider = deployment.provider.process.pid();
    cpu_ms.insert(external("payment-provider"), processes.cpu_ms(provider));
    if let Some(queues) = &deployment.queues {
        cpu_ms.insert(
            external("sqs-local"),
            processes.cpu_ms(queues.process.pid()),
        );
    }
    cpu_ms.insert(external(GENERATOR), processes.cpu_ms(std::process::id()));
    cpu_ms
}

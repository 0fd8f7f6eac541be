//! The deployment of one arm: all its processes, on fresh and seeded databases.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use analysis::model::Arm;
use anyhow::Context as _;
use futures::future::try_join_all;
use sandbox::{Database, Server};
use uuid::Uuid;

use super::databases;
use super::environment::{RunningParts, environment};
use super::infrastructure::{Infrastructure, Servers};
use super::process::{EnvVars, Process};
use super::slowdown_proxy;
use super::spec::DeploymentSpec;
use super::third_parties::{PaymentProvider, Queues};
use super::wiring::{
    PROVIDER_PORT, QUEUES_PORT, URLS, entry_package, port_of, replica_name, replicas_of,
    start_order,
};
use crate::audit::Sources;
use crate::audit::sources::Delayed;

/// A running arm. Dropping it stops its processes. [`Deployment::remove`] removes its databases
/// too; otherwise they go with the server.
#[derive(Debug)]
pub struct Deployment {
    pub arm: Arm,
    /// Its entry addresses, one per replica of the monolith or the gateway.
    pub base_urls: Vec<String>,
    pub processes: Vec<Process>,
    /// The gateway in front of the monolith's replicas, if there is one. No fault hits it.
    pub entry_gateway: Option<Process>,
    pub provider: PaymentProvider,
    pub queues: Option<Queues>,
    /// By context. A shop with one database has the same one for all contexts.
    pub databases: BTreeMap<&'static str, Database>,
    pub postgres_pids: Vec<u32>,
    /// The stock of each product at the beginning.
    pub delivered: HashMap<String, i64>,
    own_servers: Vec<Server>,
}

impl Deployment {
    /// Starts a deployment and waits until all its processes are ready.
    ///
    /// # Errors
    /// When a part does not start; the text names it.
    pub async fn start(
        infrastructure: &Infrastructure,
        spec: &DeploymentSpec,
    ) -> anyhow::Result<Deployment> {
        let logs = &infrastructure.logs.join(&spec.name);
        std::fs::create_dir_all(logs)
            .with_context(|| format!("cannot write to {}", logs.display()))?;
        let provider = PaymentProvider::start(
            &infrastructure.binaries,
            logs,
            spec.port(PROVIDER_PORT),
            spec.provider_latency_ms,
            spec.seed,
        )
        .await?;
        let queues = match spec.arm.uses_sqs() && infrastructure.queues.is_none() {
            true => {
                let arguments: Vec<&str> = spec.sqs_arguments.iter().map(String::as_str).collect();
                let port = spec.port(QUEUES_PORT);
                Some(Queues::start(&infrastructure.binaries, logs, port, &arguments).await?)
            }
            false => None,
        };
        let shared = matches!(spec.arm, Arm::Monolith | Arm::Events);
        let new = databases::create(&infrastructure.servers, shared).await?;
        let mut deployment = Deployment {
            arm: spec.arm,
            base_urls: vec![],
            processes: vec![],
            entry_gateway: None,
            provider,
            queues,
            databases: new.databases,
            postgres_pids: new.postgres_pids,
            delivered: HashMap::new(),
            own_servers: new.own_servers,
        };
        // A baseline's processes create their tables themselves: they refuse those of another
        // commit.
        if !spec.baseline {
            databases::migrate(&deployment.databases).await?;
            deployment.seed(spec.products).await?;
        }
        deployment
            .start_processes(infrastructure, spec, logs)
            .await?;
        if spec.baseline {
            deployment.seed(spec.products).await?;
        }
        Ok(deployment)
    }

    async fn seed(&mut self, products: usize) -> anyhow::Result<()> {
        self.delivered = databases::insert_products(&self.databases, products).await?;
        Ok(())
    }

    async fn start_processes(
        &mut self,
        infrastructure: &Infrastructure,
        spec: &DeploymentSpec,
        logs: &Path,
    ) -> anyhow::Result<()> {
        for package in start_order(self.arm) {
            let replicas = if package == "auth-service" {
                1
            } else {
                spec.replicas
            };
            for _ in 0..replicas {
                self.add_replica(infrastructure, spec, package).await?;
            }
        }
        self.base_urls = self.urls_of(entry_package(self.arm));
        if spec.entry_gateway {
            self.start_entry_gateway(infrastructure, spec, logs).await?;
        }
        if let Some(burn) = spec.slowdown {
            self.slow_down(burn, logs).await?;
        }
        Ok(())
    }

    /// Starts one more process of a package, and waits until it is ready. Those that call it know
    /// only the ones that ran when they started.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn add_replica(
        &mut self,
        infrastructure: &Infrastructure,
        spec: &DeploymentSpec,
        package: &str,
    ) -> anyhow::Result<()> {
        let baseline = infrastructure.baseline.as_ref();
        let binaries = match baseline.filter(|_| spec.baseline) {
            Some(baseline) => baseline,
            None => &infrastructure.binaries,
        };
        let replica = self.urls_of(package).len();
        let port = match replica {
            0 => spec.port(port_of(package)),
            _ => 0,
        };
        let parts = self.running_parts();
        let environment = environment(package, infrastructure, spec, &parts, port);
        let (name, program) = (replica_name(package, replica), binaries.path(package)?);
        let logs = infrastructure.logs.join(&spec.name);
        let mut process = Process::start(&name, program, &[], &environment, &logs).await?;
        process.ready(&infrastructure.http).await?;
        self.processes.push(process);
        Ok(())
    }

    /// The addresses of all processes of a package.
    pub(super) fn urls_of(&self, package: &str) -> Vec<String> {
        let names = self.processes.iter().map(|one| (&one.name, &one.url));
        replicas_of(package, names)
    }

    /// Puts a gateway in front of all entry addresses. It leaves out a replica that is dead.
    async fn start_entry_gateway(
        &mut self,
        infrastructure: &Infrastructure,
        spec: &DeploymentSpec,
        logs: &Path,
    ) -> anyhow::Result<()> {
        let program = infrastructure.binaries.path("gateway")?;
        let parts = self.running_parts();
        let mut environment = environment("gateway", infrastructure, spec, &parts, 0);
        let replicas = self.base_urls.join(",");
        environment.extend(URLS.map(|(_, variable)| (variable, replicas.clone())));
        let mut gateway = Process::start("gateway", program, &[], &environment, logs).await?;
        gateway.ready(&infrastructure.http).await?;
        self.base_urls = vec![gateway.url.clone()];
        self.entry_gateway = Some(gateway);
        Ok(())
    }

    /// Puts a proxy in front of each entry address.
    async fn slow_down(&mut self, burn: Duration, logs: &Path) -> anyhow::Result<()> {
        let burn = burn.as_micros().to_string();
        for (n, url) in self.base_urls.iter_mut().enumerate() {
            let upstream = url.trim_start_matches("http://").to_owned();
            let arguments = [slowdown_proxy::COMMAND, &upstream, &burn];
            let (program, nothing) = (std::env::current_exe()?, EnvVars::new());
            let name = replica_name(slowdown_proxy::NAME, n);
            let proxy = Process::start(&name, program, &arguments, &nothing, logs).await?;
            url.clone_from(&proxy.url);
            self.processes.push(proxy);
        }
        Ok(())
    }

    fn running_parts(&self) -> RunningParts<'_> {
        RunningParts {
            provider_url: &self.provider.process.url,
            queues_url: self.queues.as_ref().map(|queues| &*queues.process.url),
            databases: &self.databases,
            processes: &self.processes,
        }
    }

    /// The sources of the audit. All orders are the run's, and all messages must be gone in the
    /// end.
    pub fn sources(&self) -> Sources {
        let databases = self.databases.iter();
        Sources {
            databases: databases
                .map(|(context, database)| (*context, database.url.clone()))
                .collect(),
            ledger: self.provider.ledger.clone(),
            queues: self.queues.as_ref().map(|queues| queues.server.clone()),
            delivered: self.delivered.clone(),
            since: Uuid::nil(),
            delayed: Delayed::All,
        }
    }

    /// Stops everything in the order in which it was started, and removes the databases.
    ///
    /// # Errors
    /// When a database cannot be removed.
    pub async fn remove(self, infrastructure: &Infrastructure) -> anyhow::Result<()> {
        let stopping = tokio::task::spawn_blocking(move || {
            drop(self.entry_gateway);
            drop(self.processes);
            drop(self.queues);
            drop(self.provider);
            (self.databases, self.own_servers)
        });
        let (databases, own_servers) = stopping.await?;
        if let Servers::Shared(server) = &infrastructure.servers {
            let mut databases: Vec<Database> = databases.into_values().collect();
            databases.dedup_by(|one, other| one.name == other.name);
            // Each removal waits for a checkpoint, and concurrent ones wait for the same.
            try_join_all(databases.iter().map(|database| server.remove(database))).await?;
        }
        drop(own_servers);
        Ok(())
    }
}

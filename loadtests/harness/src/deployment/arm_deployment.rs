//! The deployment of one arm: all its processes, on fresh and seeded databases.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use analysis::model::Arm;
use anyhow::Context as _;
use futures::future::try_join_all;
use sandbox::{Database, Server};
use sqlx::Connection;
use store::{Context, catalogue, inventory, seed};
use uuid::Uuid;

use super::infrastructure::{Infrastructure, Servers};
use super::process::{EnvVars, Process};
use super::slowdown_proxy;
use super::third_parties::{PaymentProvider, Queues};
use super::wiring::{
    CONTEXTS, DATABASE_URLS, URLS, context_of, entry_package, replica_name, replicas_of, signs,
    start_order,
};
use crate::audit::Sources;

/// The configuration of a deployment.
#[derive(Clone, Debug)]
pub struct DeploymentSpec {
    pub arm: Arm,
    /// Whether its processes run the baseline's binaries.
    pub baseline: bool,
    /// The name of the folder of its logs.
    pub name: String,
    /// The number of processes of each service, or of the monolith.
    pub replicas: usize,
    pub products: usize,
    pub provider_latency_ms: u64,
    /// Arguments of the queue server, such as its latency.
    pub sqs_arguments: Vec<String>,
    pub cancellation_window: Duration,
    pub order_expiry: Duration,
    pub seed: u64,
    /// CPU to burn per order in a proxy in front of the arm.
    pub slowdown: Option<Duration>,
}

/// A running arm. Dropping it stops its processes. [`Deployment::remove`] removes its databases
/// too; otherwise they go with the server.
#[derive(Debug)]
pub struct Deployment {
    pub arm: Arm,
    /// Its entry addresses, one per replica of the monolith or the gateway.
    pub base_urls: Vec<String>,
    pub processes: Vec<Process>,
    pub provider: PaymentProvider,
    pub queues: Option<Queues>,
    /// By context. A shop with one database has the same one for all contexts.
    pub databases: BTreeMap<&'static str, Database>,
    pub postgres_pids: Vec<u32>,
    /// The stock of each product at the beginning.
    pub delivered: HashMap<String, i64>,
    own_servers: Vec<Server>,
}

/// The connections that a service, or the monolith, may hold: the default of each. More of them are
/// no faster on a few cores, and each has its own caches to warm: with 40 the monolith's Postgres
/// used 1.2 times the CPU at 400 orders per second.
const CONNECTIONS: usize = 8;

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
            spec.provider_latency_ms,
            spec.seed,
        )
        .await?;
        let queues = match spec.arm.uses_sqs() && infrastructure.queues.is_none() {
            true => {
                let arguments: Vec<&str> = spec.sqs_arguments.iter().map(String::as_str).collect();
                Some(Queues::start(&infrastructure.binaries, logs, &arguments).await?)
            }
            false => None,
        };
        let mut deployment = Deployment {
            arm: spec.arm,
            base_urls: vec![],
            processes: vec![],
            provider,
            queues,
            databases: BTreeMap::new(),
            postgres_pids: vec![],
            delivered: HashMap::new(),
            own_servers: vec![],
        };
        deployment.make_databases(infrastructure).await?;
        // A baseline's processes bring their tables themselves: they refuse those of another commit.
        if !spec.baseline {
            deployment.migrate().await?;
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

    /// One database for all contexts, or one for each.
    async fn make_databases(&mut self, infrastructure: &Infrastructure) -> anyhow::Result<()> {
        let shared = matches!(self.arm, Arm::Monolith | Arm::Events);
        for (name, _) in CONTEXTS {
            let first = self.databases.values().next().cloned();
            let database = match (first, &infrastructure.servers) {
                (Some(first), _) if shared => first,
                (_, Servers::Shared(server)) => {
                    self.postgres_pids = server.pid().into_iter().collect();
                    server.database(if shared { "shop" } else { name }).await?
                }
                (_, Servers::Each { storage }) => {
                    let server = Server::start(*storage).await?;
                    let database = server.database(if shared { "shop" } else { name }).await?;
                    self.postgres_pids.extend(server.pid());
                    self.own_servers.push(server);
                    database
                }
            };
            self.databases.insert(name, database);
        }
        Ok(())
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        for (name, context) in CONTEXTS {
            let mut connection = self.databases[name].connect().await?;
            context.migrations().run(&mut connection).await?;
            connection.close().await?;
        }
        Ok(())
    }

    async fn seed(&mut self, products: usize) -> anyhow::Result<()> {
        let products = seed::products(products);
        for (name, context) in CONTEXTS {
            let mut connection = self.databases[name].connect().await?;
            #[expect(
                clippy::disallowed_methods,
                reason = "of no pool, and closed in the end"
            )]
            let mut tx = connection.begin().await?;
            match context {
                Context::Orders => catalogue::offer(&mut tx, &products).await?,
                Context::Inventory => {
                    inventory::restock(&mut tx, seed::deliveries(&products)).await?;
                }
                _ => {}
            }
            tx.commit().await?;
            connection.close().await?;
        }
        let delivered = seed::deliveries(&products);
        self.delivered = delivered
            .map(|(sku, pieces)| (sku.to_string(), pieces))
            .collect();
        Ok(())
    }

    async fn start_processes(
        &mut self,
        infrastructure: &Infrastructure,
        spec: &DeploymentSpec,
        logs: &Path,
    ) -> anyhow::Result<()> {
        let baseline = infrastructure.baseline.as_ref();
        let binaries = match baseline.filter(|_| spec.baseline) {
            Some(baseline) => baseline,
            None => &infrastructure.binaries,
        };
        for package in start_order(self.arm) {
            let program = binaries.path(package)?;
            let environment = self.environment(package, infrastructure, spec);
            let replicas = if package == "auth-service" {
                1
            } else {
                spec.replicas
            };
            for replica in 0..replicas {
                let name = replica_name(package, replica);
                let mut process =
                    Process::start(&name, program.clone(), &[], &environment, logs).await?;
                process.ready(&infrastructure.http).await?;
                self.processes.push(process);
            }
        }
        let names = self.processes.iter().map(|one| (&one.name, &one.url));
        self.base_urls = replicas_of(entry_package(self.arm), names);
        if let Some(burn) = spec.slowdown {
            self.slow_down(burn, logs).await?;
        }
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

    /// The variables that a deployment sets, on top of the environment of this program, which is
    /// the same for all arms.
    fn environment(
        &self,
        package: &str,
        infrastructure: &Infrastructure,
        spec: &DeploymentSpec,
    ) -> EnvVars {
        let keys = &infrastructure.keys;
        let mut environment = EnvVars::from([
            ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
            ("PAYMENT_PROVIDER_URL", self.provider.process.url.clone()),
            ("AUTH_PUBLIC_KEY", keys.public.expose().to_owned()),
            (
                "CANCELLATION_WINDOW_MS",
                spec.cancellation_window.as_millis().to_string(),
            ),
            ("ORDER_EXPIRY_MS", spec.order_expiry.as_millis().to_string()),
            // A proxy of this machine is meant for other machines.
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ]);
        if signs(package) {
            environment.insert("AUTH_PRIVATE_KEY", keys.private.expose().to_owned());
        }
        if let Some(queues) = &self.queues {
            environment.insert("SQS_ENDPOINT_URL", queues.process.url.clone());
        }
        if let Some(queues) = &infrastructure.queues {
            environment.insert("SQS_ENDPOINT_URL", queues.endpoint.clone());
            environment.insert("QUEUE_PREFIX", queues.prefix.clone());
        }
        let services = match package {
            "all-in-one" => CONTEXTS.len(),
            _ => 1,
        };
        let connections = CONNECTIONS * services;
        environment.insert("DATABASE_POOL_SIZE", connections.to_string());
        if package == "all-in-one" {
            let kind = if self.arm.uses_sqs() { "sqs" } else { "local" };
            environment.insert("QUEUE_KIND", kind.to_owned());
            for (context, variable) in DATABASE_URLS {
                environment.insert(variable, self.databases[context].url.clone());
            }
        }
        if let Some(database) = self.databases.get(context_of(package)) {
            environment.insert("DATABASE_URL", database.url.clone());
        }
        for (package, variable) in URLS {
            let names = self.processes.iter().map(|one| (&one.name, &one.url));
            let urls = replicas_of(package, names);
            if !urls.is_empty() {
                environment.insert(variable, urls.join(","));
            }
        }
        environment
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
            delayed_counts: true,
        }
    }

    /// Stops everything in the order in which it was started, and removes the databases.
    ///
    /// # Errors
    /// When a database cannot be removed.
    pub async fn remove(self, infrastructure: &Infrastructure) -> anyhow::Result<()> {
        let stopping = tokio::task::spawn_blocking(move || {
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

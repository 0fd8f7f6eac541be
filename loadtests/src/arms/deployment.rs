//! One arm, started whole, on fresh and seeded databases.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use sandbox::{Database, Server};
use sqlx::Connection;
use store::{Context, catalogue, inventory, seed};
use uuid::Uuid;

use super::outside::{Provider, Queues};
use super::plant;
use super::process::{Environment, Process};
use super::surroundings::Servers;
use super::wiring::{
    DATABASE_URLS, URLS, context_of, door_of, replica_name, replicas_of, start_order,
};
use super::{Arm, Surroundings};
use crate::audit::Sources;

/// What a run asks of its arm.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub arm: Arm,
    /// What the folder of its logs is called.
    pub name: String,
    /// Processes of each service, or of the monolith.
    pub replicas: usize,
    pub products: usize,
    pub provider_latency_ms: u64,
    /// What to tell the queue server, such as how slow it is to be.
    pub sqs_arguments: Vec<String>,
    pub cancellation_window: Duration,
    pub order_expiry: Duration,
    pub seed: u64,
    /// CPU to burn for each order at a door of its own.
    pub planted: Option<Duration>,
}

/// An arm that is up. Dropping it stops its processes; its databases are removed by
/// [`Deployment::remove`], or with the server.
#[derive(Debug)]
pub struct Deployment {
    pub arm: Arm,
    /// Its doors, one for each replica: the monoliths, or the gateways.
    pub base_urls: Vec<String>,
    pub processes: Vec<Process>,
    pub provider: Provider,
    pub queues: Option<Queues>,
    /// By context; the monolith's are all the same one.
    pub databases: BTreeMap<&'static str, Database>,
    pub postgres_pids: Vec<u32>,
    /// What each product had on the shelf at first.
    pub delivered: HashMap<String, i64>,
    own_servers: Vec<Server>,
}

pub const CONTEXTS: [(&str, Context); 5] = [
    ("accounts", Context::Accounts),
    ("orders", Context::Orders),
    ("payments", Context::Payments),
    ("inventory", Context::Inventory),
    ("shipping", Context::Shipping),
];

/// The connections that a service, or the monolith, may hold: what each does by default. More of
/// them are no faster on a few cores, and each that takes its turn has its caches to warm: with 40
/// the monolith's Postgres used 1.2 times the CPU at 400 orders a second.
const CONNECTIONS: usize = 8;

impl Deployment {
    pub async fn start(around: &Surroundings, wanted: &Wanted) -> anyhow::Result<Deployment> {
        let logs = &around.logs.join(&wanted.name);
        std::fs::create_dir_all(logs)
            .with_context(|| format!("cannot write to {}", logs.display()))?;
        let provider = Provider::start(
            &around.binaries,
            logs,
            wanted.provider_latency_ms,
            wanted.seed,
        )
        .await?;
        let queues = match wanted.arm.uses_sqs() && around.queues.is_none() {
            true => {
                let arguments: Vec<&str> =
                    wanted.sqs_arguments.iter().map(String::as_str).collect();
                Some(Queues::start(&around.binaries, logs, &arguments).await?)
            }
            false => None,
        };
        let mut deployment = Deployment {
            arm: wanted.arm,
            base_urls: vec![],
            processes: vec![],
            provider,
            queues,
            databases: BTreeMap::new(),
            postgres_pids: vec![],
            delivered: HashMap::new(),
            own_servers: vec![],
        };
        deployment.make_databases(around).await?;
        deployment.seed(wanted.products).await?;
        deployment.start_processes(around, wanted, logs).await?;
        Ok(deployment)
    }

    /// One database for all contexts, or one for each.
    async fn make_databases(&mut self, around: &Surroundings) -> anyhow::Result<()> {
        let shared = matches!(self.arm, Arm::Monolith | Arm::Events);
        for (name, _) in CONTEXTS {
            let first = self.databases.values().next().cloned();
            let database = match (first, &around.servers) {
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

    async fn seed(&mut self, products: usize) -> anyhow::Result<()> {
        let products = seed::products(products);
        for (name, context) in CONTEXTS {
            let mut connection = self.databases[name].connect().await?;
            context.migrations().run(&mut connection).await?;
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
        around: &Surroundings,
        wanted: &Wanted,
        logs: &Path,
    ) -> anyhow::Result<()> {
        for package in start_order(self.arm) {
            let program = around.binaries.path(package)?;
            let environment = self.environment(package, around, wanted);
            let replicas = if package == "auth-service" {
                1
            } else {
                wanted.replicas
            };
            for replica in 0..replicas {
                let name = replica_name(package, replica);
                let mut process =
                    Process::start(&name, program.clone(), &[], &environment, logs).await?;
                process.ready(&around.http).await?;
                self.processes.push(process);
            }
        }
        let names = self.processes.iter().map(|one| (&one.name, &one.url));
        self.base_urls = replicas_of(door_of(self.arm), names);
        if let Some(burnt) = wanted.planted {
            self.plant(burnt, logs).await?;
        }
        Ok(())
    }

    async fn plant(&mut self, burnt: Duration, logs: &Path) -> anyhow::Result<()> {
        let burnt = burnt.as_micros().to_string();
        for (n, url) in self.base_urls.iter_mut().enumerate() {
            let upstream = url.trim_start_matches("http://").to_owned();
            let arguments = ["compare", "door", &upstream, &burnt];
            let (program, nothing) = (std::env::current_exe()?, Environment::new());
            let name = replica_name(plant::NAME, n);
            let door = Process::start(&name, program, &arguments, &nothing, logs).await?;
            url.clone_from(&door.url);
            self.processes.push(door);
        }
        Ok(())
    }

    /// What a deployment sets. A process has it beside the environment of this program itself,
    /// which is the same for all arms.
    fn environment(&self, package: &str, around: &Surroundings, wanted: &Wanted) -> Environment {
        let mut environment = Environment::from([
            ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
            ("PAYMENT_PROVIDER_URL", self.provider.process.url.clone()),
            ("AUTH_PRIVATE_KEY", around.keys.private.expose().to_owned()),
            ("AUTH_PUBLIC_KEY", around.keys.public.expose().to_owned()),
            (
                "CANCELLATION_WINDOW_MS",
                wanted.cancellation_window.as_millis().to_string(),
            ),
            (
                "ORDER_EXPIRY_MS",
                wanted.order_expiry.as_millis().to_string(),
            ),
            // A proxy of this machine is for the world outside it.
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ]);
        if let Some(queues) = &self.queues {
            environment.insert("SQS_ENDPOINT_URL", queues.process.url.clone());
        }
        if let Some(queues) = &around.queues {
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

    /// Where the audit reads. Nothing was there before us, and nothing of ours may be left.
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

    /// Stops everything, in the order in which it was started, and removes the databases.
    pub async fn remove(self, around: &Surroundings) -> anyhow::Result<()> {
        let stopping = tokio::task::spawn_blocking(move || {
            drop(self.processes);
            drop(self.queues);
            drop(self.provider);
            (self.databases, self.own_servers)
        });
        let (databases, own_servers) = stopping.await?;
        if let Servers::Shared(server) = &around.servers {
            let mut databases: Vec<Database> = databases.into_values().collect();
            databases.dedup_by(|one, other| one.name == other.name);
            // Each waits for a checkpoint, and together they wait for one.
            try_join_all(databases.iter().map(|database| server.remove(database))).await?;
        }
        drop(own_servers);
        Ok(())
    }
}

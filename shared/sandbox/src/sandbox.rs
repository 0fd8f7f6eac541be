//! All parts together, started by one call.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::postgres::{Lease, free_port};
use crate::{
    Database, Error, Launch, Options, PostgresMode, Provider, Server, Storage, Supervised,
};

const START_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);

/// Postgres, an SQS endpoint and the payment provider. What was started for it ends with it.
pub struct Sandbox {
    // Databases on a given server are removed before anything else is given up.
    leases: Mutex<Vec<Lease>>,
    servers: Mutex<Vec<Arc<Server>>>,
    mode: PostgresMode,
    storage: Storage,
    queues: Part,
    provider: Part,
}

impl Sandbox {
    /// Starts what was not given. When one part fails, those started before it are stopped.
    ///
    /// # Errors
    /// One line that says what to do: no Postgres to be had, an address that nobody answers at,
    /// a full disk, a program that is missing.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let mut servers = Vec::new();
        match (&options.database_url, options.postgres) {
            (Some(_), PostgresMode::Each) => return Err(Error::OneServerGiven),
            (Some(url), PostgresMode::Shared) => servers.push(Arc::new(Server::given(url).await?)),
            (None, PostgresMode::Shared) => {
                servers.push(Arc::new(Server::start(options.storage).await?));
            }
            (None, PostgresMode::Each) => {}
        }

        let programs = options.programs.as_deref();
        Ok(Self {
            leases: Mutex::default(),
            servers: Mutex::new(servers),
            mode: options.postgres,
            storage: options.storage,
            queues: Part::queues(options.sqs_endpoint_url, programs).await?,
            provider: Part::provider(options.payment_provider_url, programs).await?,
        })
    }

    /// A new database with a role of its own, which can reach no other database.
    pub async fn database(&self, name: &str) -> Result<Database, Error> {
        let mut servers = self.servers.lock().await;
        if self.mode == PostgresMode::Each {
            servers.push(Arc::new(Server::start(self.storage).await?));
        }
        let Some(server) = servers.last() else {
            return Err(Error::OneServerGiven);
        };

        let database = server.database(name).await?;
        if server.is_given() {
            let lease = Lease::new(database.clone(), server.clone());
            self.leases.lock().await.push(lease);
        }
        Ok(database)
    }

    /// The servers behind the databases so far, for their pids, versions and directories.
    pub async fn servers(&self) -> Vec<Arc<Server>> {
        self.servers.lock().await.clone()
    }

    /// For `SQS_ENDPOINT_URL`.
    pub fn sqs_endpoint(&self) -> &str {
        &self.queues.url
    }

    /// For `PAYMENT_PROVIDER_URL`.
    pub fn provider_url(&self) -> &str {
        &self.provider.url
    }

    /// The queue server's process, when it is one of ours.
    pub fn sqs_pid(&self) -> Option<u32> {
        self.queues.pid()
    }

    /// The payment provider's process, when it is one of ours.
    pub fn provider_pid(&self) -> Option<u32> {
        self.provider.pid()
    }
}

/// A server beside Postgres, and what keeps it running.
struct Part {
    url: String,
    keeper: Keeper,
}

enum Keeper {
    Somebody,
    Queues(#[allow(dead_code, reason = "stops when dropped")] sqs_local::SqsLocal),
    Provider(#[allow(dead_code, reason = "stops when dropped")] Provider),
    Process(
        Supervised,
        #[allow(dead_code, reason = "holds the log")] tempfile::TempDir,
    ),
}

impl Part {
    async fn queues(given: Option<String>, programs: Option<&Path>) -> Result<Self, Error> {
        match (given, programs) {
            (Some(url), _) => Ok(Self {
                url,
                keeper: Keeper::Somebody,
            }),
            (None, Some(programs)) => Self::process(&programs.join("sqs-local")).await,
            (None, None) => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let started = sqs_local::SqsLocal::start(address).await;
                let queues = started.map_err(Error::listen(address))?;
                Ok(Self {
                    url: queues.endpoint(),
                    keeper: Keeper::Queues(queues),
                })
            }
        }
    }

    async fn provider(given: Option<String>, programs: Option<&Path>) -> Result<Self, Error> {
        match (given, programs) {
            (Some(url), _) => Ok(Self {
                url,
                keeper: Keeper::Somebody,
            }),
            (None, Some(programs)) => Self::process(&programs.join("payment-provider")).await,
            (None, None) => {
                let provider = Provider::start((Ipv4Addr::LOCALHOST, 0).into()).await?;
                Ok(Self {
                    url: provider.url(),
                    keeper: Keeper::Provider(provider),
                })
            }
        }
    }

    /// Both programs take `--port`, and serve as soon as they accept a connection.
    async fn process(program: &Path) -> Result<Self, Error> {
        let logs = tempfile::tempdir().map_err(Error::file(&std::env::temp_dir()))?;
        let port = free_port()?;
        let mut launch = Launch::new(program, logs.path().join("log"));
        launch.arguments = vec!["--port".to_owned(), port.to_string()];
        let mut process = Supervised::spawn(&launch).map_err(Error::file(&launch.log))?;

        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            let ended = process.exit_status().is_ok_and(|status| status.is_some());
            if ended || started.elapsed() > START_LIMIT {
                let log = process.log_text();
                return Err(Error::program(program, &log, logs.path(), port));
            }
            tokio::time::sleep(POLL).await;
        }
        let url = format!("http://127.0.0.1:{port}");
        Ok(Self {
            url,
            keeper: Keeper::Process(process, logs),
        })
    }

    fn pid(&self) -> Option<u32> {
        match &self.keeper {
            Keeper::Process(process, _) => Some(process.pid()),
            Keeper::Somebody | Keeper::Queues(_) | Keeper::Provider(_) => None,
        }
    }
}

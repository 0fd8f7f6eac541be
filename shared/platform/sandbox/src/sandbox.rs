//! All parts together, started by one call.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use sqs_local::SqsLocal;
use tokio::sync::Mutex;

use crate::postgres::Lease;
use crate::{Database, Error, Options, PostgresMode, Server, Storage};

/// Postgres and an SQS endpoint. What was started for it ends with it.
pub struct Sandbox {
    // Databases on a given server are removed before anything else is given up.
    leases: Mutex<Vec<Lease>>,
    servers: Mutex<Vec<Arc<Server>>>,
    mode: PostgresMode,
    storage: Storage,
    queues: Queues,
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

        Ok(Self {
            leases: Mutex::default(),
            servers: Mutex::new(servers),
            mode: options.postgres,
            storage: options.storage,
            queues: queues(options.sqs_endpoint_url).await?,
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
}

/// An SQS endpoint: one that was given, or a server that stops when this is dropped.
struct Queues {
    url: String,
    _server: Option<SqsLocal>,
}

async fn queues(given: Option<String>) -> Result<Queues, Error> {
    if let Some(url) = given {
        return Ok(Queues { url, _server: None });
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let started = SqsLocal::start(address).await;
    let server = started.map_err(Error::listen(address))?;
    Ok(Queues {
        url: server.endpoint(),
        _server: Some(server),
    })
}

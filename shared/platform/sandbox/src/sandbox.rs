//! Postgres and an SQS endpoint together, started by one call.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use sqs_local::SqsLocal;
use tokio::sync::Mutex;

use crate::postgres::Lease;
use crate::{Database, Error, Options, PostgresMode, Server, Storage};

/// Postgres and an SQS endpoint. Servers that it started end with it.
pub struct Sandbox {
    // Fields drop in this order: databases on an external server are removed first.
    leases: Mutex<Vec<Lease>>,
    servers: Mutex<Vec<Arc<Server>>>,
    mode: PostgresMode,
    storage: Storage,
    queues: Queues,
}

impl Sandbox {
    /// Starts every server that the options do not name. If one fails, the others are stopped.
    ///
    /// # Errors
    /// One line with the remedy: no Postgres found, no answer at an address, a full disk, a missing
    /// program.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let mut servers = Vec::new();
        match (&options.database_url, options.postgres) {
            (Some(_), PostgresMode::Each) => return Err(Error::OneExternalServer),
            (Some(url), PostgresMode::Shared) => {
                servers.push(Arc::new(Server::external(url).await?))
            }
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

    /// Creates a database with its own role, which can connect to no other database.
    ///
    /// # Errors
    /// When a server does not start, cannot be reached, or refuses.
    pub async fn database(&self, name: &str) -> Result<Database, Error> {
        let mut servers = self.servers.lock().await;
        if self.mode == PostgresMode::Each {
            servers.push(Arc::new(Server::start(self.storage).await?));
        }
        let Some(server) = servers.last() else {
            return Err(Error::OneExternalServer);
        };

        let database = server.database(name).await?;
        if server.is_external() {
            let lease = Lease::new(database.clone(), server.clone());
            self.leases.lock().await.push(lease);
        }
        Ok(database)
    }

    /// The servers of the databases so far, for their pids, versions and directories.
    pub async fn servers(&self) -> Vec<Arc<Server>> {
        self.servers.lock().await.clone()
    }

    /// The address for `SQS_ENDPOINT_URL`.
    pub fn sqs_endpoint(&self) -> &str {
        &self.queues.url
    }
}

/// An external SQS endpoint, or a server that stops when this is dropped.
struct Queues {
    url: String,
    _server: Option<SqsLocal>,
}

async fn queues(external: Option<String>) -> Result<Queues, Error> {
    if let Some(url) = external {
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

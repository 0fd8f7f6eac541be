//! All parts together, started by one call.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use sqs_local::SqsLocal;
use tokio::sync::Mutex;

use crate::postgres::Lease;
use crate::{Database, Error, Options, PostgresMode, Provider, Server, Storage};

/// Postgres, an SQS endpoint and the payment provider. What was started for it ends with it.
pub struct Sandbox {
    // Databases on a given server are removed before anything else is given up.
    leases: Mutex<Vec<Lease>>,
    servers: Mutex<Vec<Arc<Server>>>,
    mode: PostgresMode,
    storage: Storage,
    queues: Part<SqsLocal>,
    provider: Part<Provider>,
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
            provider: provider(options.payment_provider_url).await?,
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
}

/// A server beside Postgres: somebody's, or one of ours that stops when this is dropped.
struct Part<S> {
    url: String,
    _ours: Option<S>,
}

impl<S> Part<S> {
    fn given(url: String) -> Self {
        Self { url, _ours: None }
    }
}

async fn queues(given: Option<String>) -> Result<Part<SqsLocal>, Error> {
    if let Some(url) = given {
        return Ok(Part::given(url));
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let started = SqsLocal::start(address).await;
    let queues = started.map_err(Error::listen(address))?;
    Ok(Part {
        url: queues.endpoint(),
        _ours: Some(queues),
    })
}

async fn provider(given: Option<String>) -> Result<Part<Provider>, Error> {
    if let Some(url) = given {
        return Ok(Part::given(url));
    }
    let provider = Provider::start((Ipv4Addr::LOCALHOST, 0).into()).await?;
    Ok(Part {
        url: provider.url(),
        _ours: Some(provider),
    })
}

//! The infrastructure that all runs share: one Postgres, the binaries, a pair of keys.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chassis::auth::{KeyPair, TokenIssuer};
use chassis::config::TokenSigning;
use contracts::http::TOKEN_ISSUER;
use domain::CustomerId;
use sandbox::{PostgresMode, Server, Storage};

use super::binaries::Binaries;

/// What stays the same from run to run.
pub struct Infrastructure {
    pub binaries: Binaries,
    /// The binaries of another commit, for the arm that is called `before`.
    pub baseline: Option<Binaries>,
    pub servers: Servers,
    /// A queue server that runs already. Without one, each deployment starts its own.
    pub queues: Option<ExternalQueues>,
    pub keys: KeyPair,
    pub logs: PathBuf,
    /// What the shop's processes log, as `RUST_LOG` has it. `None` for warnings alone.
    pub log_filter: Option<&'static str>,
    pub http: reqwest::Client,
}

/// A queue server that this program did not start, with the prefix of a deployment's queues there.
pub struct ExternalQueues {
    pub endpoint: String,
    pub prefix: String,
}

/// One Postgres server for all, or one for each service.
pub enum Servers {
    Shared(Server),
    Each { storage: Storage },
}

impl Infrastructure {
    /// Starts Postgres, or uses the server of `DATABASE_URL`.
    ///
    /// # Errors
    /// When no server can be started or reached.
    pub async fn start(
        binaries: Binaries,
        storage: Storage,
        postgres: PostgresMode,
        logs: PathBuf,
    ) -> anyhow::Result<Infrastructure> {
        let servers = match postgres {
            PostgresMode::Shared => Servers::Shared(server(storage).await?),
            PostgresMode::Each => Servers::Each { storage },
        };
        Infrastructure::on(servers, binaries, logs)
    }

    /// Uses servers that run already.
    ///
    /// # Errors
    /// When the directory of the logs cannot be made.
    pub fn on(
        servers: Servers,
        binaries: Binaries,
        logs: PathBuf,
    ) -> anyhow::Result<Infrastructure> {
        let made = std::fs::create_dir_all(&logs);
        made.with_context(|| format!("cannot write to {}", logs.display()))?;
        Ok(Infrastructure {
            binaries,
            baseline: None,
            servers,
            queues: None,
            keys: KeyPair::generate(),
            logs,
            log_filter: None,
            http: reqwest::Client::builder().no_proxy().build()?,
        })
    }

    /// Makes a token for each of these customers, who never registered. The shop checks only the
    /// token, and hashing passwords would lengthen every run.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn tokens(&self, customers: &[CustomerId]) -> anyhow::Result<Vec<String>> {
        let issuer = TokenIssuer::new(
            &TokenSigning {
                auth_private_key: self.keys.private.clone(),
                auth_token_life_s: 24 * 60 * 60,
            },
            TOKEN_ISSUER,
        )?;
        let tokens = customers.iter().map(|customer| issuer.issue(customer.0));
        Ok(tokens.collect::<Result<_, _>>()?)
    }

    /// The directory of the databases. `None` before a run has started its own servers, and for a
    /// server that this program did not start.
    pub fn directory(&self) -> Option<&Path> {
        match &self.servers {
            Servers::Shared(server) => server.directory(),
            Servers::Each { .. } => None,
        }
    }

    /// The version in the server's own words.
    pub fn postgres_version(&self) -> Option<&str> {
        match &self.servers {
            Servers::Shared(server) => server.version(),
            Servers::Each { .. } => None,
        }
    }
}

/// Uses the server of `DATABASE_URL`, or starts one.
async fn server(storage: Storage) -> Result<Server, sandbox::Error> {
    match external_server() {
        Some(url) => Server::external(&url).await,
        None => Server::start(storage).await,
    }
}

/// The address of a server that runs already, for all databases.
pub fn external_server() -> Option<String> {
    std::env::var("DATABASE_URL").ok()
}

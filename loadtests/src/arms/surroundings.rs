//! What all runs share: one Postgres, the binaries, a pair of keys.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chassis::auth::{KeyPair, TokenIssuer};
use chassis::config::TokenSigning;
use domain::CustomerId;
use sandbox::{PostgresMode, Server, Storage};

use super::binaries::Binaries;

/// The part of the world that stays the same from run to run.
pub struct Surroundings {
    pub binaries: Binaries,
    pub servers: Servers,
    /// A queue server that is there already. Else each deployment starts its own.
    pub queues: Option<GivenQueues>,
    pub keys: KeyPair,
    pub logs: PathBuf,
    pub http: reqwest::Client,
}

/// Somebody's queue server, and what keeps a deployment's queues apart there.
pub struct GivenQueues {
    pub endpoint: String,
    pub prefix: String,
}

/// One Postgres server for all, or one for each service.
pub enum Servers {
    Shared(Server),
    Each { storage: Storage },
}

impl Surroundings {
    pub async fn start(
        binaries: Binaries,
        storage: Storage,
        postgres: PostgresMode,
        logs: PathBuf,
    ) -> anyhow::Result<Surroundings> {
        let servers = match postgres {
            PostgresMode::Shared => Servers::Shared(server(storage).await?),
            PostgresMode::Each => Servers::Each { storage },
        };
        Surroundings::on(servers, binaries, logs)
    }

    /// On servers that are there already.
    pub fn on(servers: Servers, binaries: Binaries, logs: PathBuf) -> anyhow::Result<Surroundings> {
        let made = std::fs::create_dir_all(&logs);
        made.with_context(|| format!("cannot write to {}", logs.display()))?;
        Ok(Surroundings {
            binaries,
            servers,
            queues: None,
            keys: KeyPair::generate(),
            logs,
            http: reqwest::Client::builder().no_proxy().build()?,
        })
    }

    /// Tokens for customers that never registered: a token is all the shop asks for, and hashing
    /// passwords would only lengthen every run.
    pub fn tokens(&self, customers: usize) -> anyhow::Result<Vec<String>> {
        let issuer = TokenIssuer::new(&TokenSigning {
            auth_private_key: self.keys.private.clone(),
            auth_token_life_s: 24 * 60 * 60,
        })?;
        let tokens = (0..customers).map(|_| issuer.issue(CustomerId::new()));
        Ok(tokens.collect::<Result<_, _>>()?)
    }

    /// Where the databases are, when that is known before a run and the server is ours.
    pub fn directory(&self) -> Option<&Path> {
        match &self.servers {
            Servers::Shared(server) => server.directory(),
            Servers::Each { .. } => None,
        }
    }

    /// As the server names itself.
    pub fn postgres_version(&self) -> Option<&str> {
        match &self.servers {
            Servers::Shared(server) => server.version(),
            Servers::Each { .. } => None,
        }
    }
}

/// `DATABASE_URL` when it is set, else a server of our own.
async fn server(storage: Storage) -> Result<Server, sandbox::Error> {
    match given_server() {
        Some(url) => Server::given(&url).await,
        None => Server::start(storage).await,
    }
}

/// Somebody's server, for all databases.
pub fn given_server() -> Option<String> {
    std::env::var("DATABASE_URL").ok()
}

//! Postgres: found, started, shared out in databases, and never left behind.

mod binaries;
mod database;
mod directory;
mod download;
mod server;

use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

pub use self::binaries::DIRECTORY_VARIABLE;
pub use self::database::Database;
use self::server::OwnServer;
use crate::{Error, Storage};

/// A Postgres server: one of ours, or one that was given.
#[derive(Debug)]
pub struct Server(Kind);

#[derive(Debug)]
enum Kind {
    Own(Box<OwnServer>),
    Given {
        admin: Box<PgConnectOptions>,
        prefix: String,
    },
}

impl Server {
    /// A server of our own, stopped and removed when this value is dropped or we are killed.
    ///
    /// # Errors
    /// One line each: no Postgres to be had, no space, no answer within a minute.
    pub async fn start(storage: Storage) -> Result<Self, Error> {
        Ok(Self(Kind::Own(Box::new(OwnServer::start(storage).await?))))
    }

    /// Somebody's server, through a role that may create roles and databases.
    ///
    /// # Errors
    /// When the address cannot be read or nobody answers there.
    pub async fn given(url: &str) -> Result<Self, Error> {
        let unreachable = |address: String| {
            move |error: sqlx::Error| Error::Unreachable {
                address,
                reason: error.to_string(),
            }
        };
        let admin: PgConnectOptions = url.parse().map_err(unreachable(without_password(url)))?;
        let address = format!("{}:{}", admin.get_host(), admin.get_port());
        admin
            .connect()
            .await
            .map_err(unreachable(address))?
            .close()
            .await?;

        // Other people's databases share that server, and so may other runs of ours.
        let prefix = format!("twofold_{:08x}_", rand::random::<u32>());
        Ok(Self(Kind::Given {
            admin: Box::new(admin),
            prefix,
        }))
    }

    /// A new database with its own role. On a server of ours both carry exactly this name, on a
    /// given one it is prefixed.
    pub async fn database(&self, name: &str) -> Result<Database, Error> {
        let name = match &self.0 {
            Kind::Own(_) => name.to_owned(),
            Kind::Given { prefix, .. } => format!("{prefix}{name}"),
        };
        Database::create(self, &name).await
    }

    /// Removes a database and its role, ending its connections.
    pub async fn remove(&self, database: &Database) -> Result<(), Error> {
        Database::remove(self, &database.name).await
    }

    /// Whether this server outlives us, so that what we create there must be removed.
    pub fn is_given(&self) -> bool {
        matches!(self.0, Kind::Given { .. })
    }

    /// The server's main process, for measuring what it uses; none for a given server.
    pub fn pid(&self) -> Option<u32> {
        self.own().map(OwnServer::pid)
    }

    /// As the program prints it, `postgres (PostgreSQL) 15.18`; none for a given server.
    pub fn version(&self) -> Option<&str> {
        self.own().map(OwnServer::version)
    }

    /// Holds the server's data; none for a given server.
    pub fn directory(&self) -> Option<&Path> {
        self.own().map(OwnServer::directory)
    }

    /// A connection that may create and remove databases. A fresh one each time, because a
    /// connection does not survive the runtime of the test that made it.
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        match &self.0 {
            Kind::Own(server) => server.admin().connect().await,
            Kind::Given { admin, .. } => admin.connect().await,
        }
    }

    /// How a service reaches the server; role and database are still to be filled in.
    fn client(&self) -> PgConnectOptions {
        match &self.0 {
            Kind::Own(server) => PgConnectOptions::new_without_pgpass()
                .host("127.0.0.1")
                .port(server.port())
                .ssl_mode(PgSslMode::Disable),
            Kind::Given { admin, .. } => (**admin).clone(),
        }
    }

    fn own(&self) -> Option<&OwnServer> {
        match &self.0 {
            Kind::Own(server) => Some(server),
            Kind::Given { .. } => None,
        }
    }
}

/// The part of an address that may be shown.
fn without_password(url: &str) -> String {
    url.rsplit_once('@')
        .map_or(url, |(_, rest)| rest)
        .to_owned()
}

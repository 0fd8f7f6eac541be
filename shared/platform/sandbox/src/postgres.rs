//! Postgres: found, started, shared out in databases, and never left behind.

mod binaries;
mod database;
mod directory;
mod download;
mod given;
mod lease;
mod server;

use std::path::Path;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};

pub use self::binaries::DIRECTORY_VARIABLE;
pub use self::database::Database;
pub(crate) use self::database::plain_url;
use self::given::GivenServer;
pub use self::lease::Lease;
use self::server::OwnServer;
use crate::{Error, Storage};

/// A Postgres server: one of ours, or one that was given.
#[derive(Debug)]
pub struct Server(Kind);

#[derive(Debug)]
enum Kind {
    Own(Box<OwnServer>),
    Given(Box<GivenServer>),
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
        Ok(Self(Kind::Given(Box::new(GivenServer::open(url).await?))))
    }

    /// A new database with its own role. On a server of ours both carry exactly this name, on a
    /// given one it is prefixed.
    pub async fn database(&self, name: &str) -> Result<Database, Error> {
        let name = match &self.0 {
            Kind::Own(_) => name.to_owned(),
            Kind::Given(server) => server.full_name(name),
        };
        Database::create(self, &name).await
    }

    /// Removes a database and its role, ending its connections.
    pub async fn remove(&self, database: &Database) -> Result<(), Error> {
        let mut admin = self.connect().await?;
        Ok(Database::remove(&mut admin, &database.name).await?)
    }

    /// Whether this server outlives us, so that what we create there must be removed.
    pub fn is_given(&self) -> bool {
        matches!(self.0, Kind::Given(_))
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

    /// The address of the role that creates databases; on a server of ours the superuser, who
    /// comes through a socket that only we can open.
    pub fn admin_url(&self) -> String {
        database::plain_url(&self.admin())
    }

    /// A connection that may create and remove databases. A fresh one each time, because a
    /// connection does not survive the runtime of the test that made it.
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.admin().connect().await
    }

    fn admin(&self) -> PgConnectOptions {
        match &self.0 {
            Kind::Own(server) => server.admin(),
            Kind::Given(server) => server.admin.clone(),
        }
    }

    /// How a service reaches the server; role and database are still to be filled in.
    fn client(&self) -> PgConnectOptions {
        match &self.0 {
            Kind::Own(server) => PgConnectOptions::new_without_pgpass()
                .host("127.0.0.1")
                .port(server.port())
                .ssl_mode(PgSslMode::Disable),
            Kind::Given(server) => server.admin.clone(),
        }
    }

    fn own(&self) -> Option<&OwnServer> {
        match &self.0 {
            Kind::Own(server) => Some(server),
            Kind::Given(_) => None,
        }
    }
}

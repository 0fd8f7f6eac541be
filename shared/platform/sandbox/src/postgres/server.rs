//! A Postgres server, our own or an external one.

use std::path::Path;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};

use super::Database;
use super::database::plain_url;
use super::external::ExternalServer;
use super::own::OwnServer;
use crate::{Error, Storage};

/// A Postgres server: one that we started, or an external one.
#[derive(Debug)]
pub struct Server(Kind);

#[derive(Debug)]
enum Kind {
    Own(Box<OwnServer>),
    External(Box<ExternalServer>),
}

impl Server {
    /// Starts a server. It is stopped and removed when this value is dropped or the program ends.
    ///
    /// # Errors
    /// When no Postgres can be found or fetched, the disk is full, or the server does not answer
    /// within 60 s.
    pub async fn start(storage: Storage) -> Result<Self, Error> {
        Ok(Self(Kind::Own(Box::new(OwnServer::start(storage).await?))))
    }

    /// Uses an external server, through a role that may create roles and databases.
    ///
    /// # Errors
    /// When the address is malformed or no server answers there.
    pub async fn external(url: &str) -> Result<Self, Error> {
        let server = ExternalServer::open(url).await?;
        Ok(Self(Kind::External(Box::new(server))))
    }

    /// Creates a database with its own role. On a server of ours both have exactly this name; on an
    /// external one the name gets a prefix.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses, for example because the name exists.
    pub async fn database(&self, name: &str) -> Result<Database, Error> {
        let name = match &self.0 {
            Kind::Own(_) => name.to_owned(),
            Kind::External(server) => server.full_name(name),
        };
        let mut admin = self.connect().await?;
        Database::create(&mut admin, self.client(), self.pid(), &name).await
    }

    /// Ends the connections of a database, and removes it with its role.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn remove(&self, database: &Database) -> Result<(), Error> {
        let mut admin = self.connect().await?;
        Ok(Database::remove(&mut admin, &database.name).await?)
    }

    /// Whether this server is external. It outlives us, so our databases on it must be removed.
    pub fn is_external(&self) -> bool {
        matches!(self.0, Kind::External(_))
    }

    /// The pid of the server's main process, to measure its usage; `None` for an external server.
    pub fn pid(&self) -> Option<u32> {
        self.own().map(OwnServer::pid)
    }

    /// The version as the program prints it, such as `postgres (PostgreSQL) 15.18`; `None` for an
    /// external server.
    pub fn version(&self) -> Option<&str> {
        self.own().map(OwnServer::version)
    }

    /// The directory with the server's data; `None` for an external server.
    pub fn directory(&self) -> Option<&Path> {
        self.own().map(OwnServer::directory)
    }

    /// The address of the role that creates databases. On a server of ours it is the superuser, who
    /// connects through a socket that only we can open.
    pub fn admin_url(&self) -> String {
        plain_url(&self.admin())
    }

    /// Opens a connection that may create and remove databases. Each call opens a new one, because
    /// a connection does not survive the runtime of the test that opened it.
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.admin().connect().await
    }

    fn admin(&self) -> PgConnectOptions {
        match &self.0 {
            Kind::Own(server) => server.admin(),
            Kind::External(server) => server.admin.clone(),
        }
    }

    /// The connection options of a service, still without role and database.
    fn client(&self) -> PgConnectOptions {
        match &self.0 {
            Kind::Own(server) => PgConnectOptions::new_without_pgpass()
                .host("127.0.0.1")
                .port(server.port())
                .ssl_mode(PgSslMode::Disable),
            Kind::External(server) => server.admin.clone(),
        }
    }

    fn own(&self) -> Option<&OwnServer> {
        match &self.0 {
            Kind::Own(server) => Some(server),
            Kind::External(_) => None,
        }
    }
}

//! A database and the role that owns it, closed to every other role.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

use super::Server;
use crate::Error;

/// A database of its own, owned by a role of the same name that can reach no other.
#[derive(Debug, Clone)]
pub struct Database {
    pub name: String,
    /// For `DATABASE_URL`: role, password, host, port and database.
    pub url: String,
    /// The main process of the server it is on; none for a given server.
    pub server_pid: Option<u32>,
    options: PgConnectOptions,
}

impl Database {
    pub(super) async fn create(server: &Server, name: &str) -> Result<Self, Error> {
        let quoted = quote(name);
        let password = format!("{:032x}", rand::random::<u128>());
        let mut admin = server.connect().await?;
        let statements = [
            // Membership lets an administrator who is no superuser give the database away.
            format!("create role {quoted} login password '{password}'"),
            format!("grant {quoted} to current_user"),
            format!("create database {quoted} owner {quoted}"),
            format!("revoke connect on database {quoted} from public"),
        ];
        execute(&mut admin, statements).await?;

        let options = server
            .client()
            .username(name)
            .password(&password)
            .database(name);
        let url = plain_url(&options);
        Ok(Self {
            name: name.to_owned(),
            url,
            server_pid: server.pid(),
            options,
        })
    }

    /// Ends its connections and removes the database and its role.
    pub(super) async fn remove(admin: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
        let quoted = quote(name);
        let statements = [
            format!("drop database if exists {quoted} with (force)"),
            format!("drop role if exists {quoted}"),
        ];
        execute(admin, statements).await
    }

    /// One connection as the database's role.
    pub async fn connect(&self) -> Result<PgConnection, Error> {
        Ok(self.options.connect().await?)
    }

    /// A pool as the database's role, with sqlx's defaults.
    pub async fn pool(&self) -> Result<PgPool, Error> {
        Ok(PgPool::connect_with(self.options.clone()).await?)
    }
}

async fn execute<const N: usize>(
    admin: &mut PgConnection,
    statements: [String; N],
) -> Result<(), sqlx::Error> {
    for statement in statements {
        // Names are quoted, and the password is hexadecimal digits.
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *admin)
            .await?;
    }
    Ok(())
}

/// Without the settings that only sqlx knows, so that psql and every other client read it too.
pub(crate) fn plain_url(options: &PgConnectOptions) -> String {
    let mut url = options.to_url_lossy();
    let query = url.query().unwrap_or_default().to_owned();
    let pairs = query
        .split('&')
        .filter(|pair| !pair.starts_with("statement-cache-capacity="));
    url.set_query(Some(&pairs.collect::<Vec<_>>().join("&")));
    url.to_string()
}

fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

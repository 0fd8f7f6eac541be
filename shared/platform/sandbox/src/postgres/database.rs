//! A database and the role that owns it. No other role can connect to it.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

use crate::Error;

/// A database whose owner is a role of the same name. The role can connect to no other database.
#[derive(Debug, Clone)]
pub struct Database {
    /// The name of the database and of its role.
    pub name: String,
    /// The address for `DATABASE_URL`: role, password, host, port and database.
    pub url: String,
    /// The pid of its server's main process; `None` on an external server.
    pub server_pid: Option<u32>,
    options: PgConnectOptions,
}

impl Database {
    /// Creates a database with its role. `client` reaches the server; role and database are filled
    /// in.
    pub(super) async fn create(
        admin: &mut PgConnection,
        client: PgConnectOptions,
        server_pid: Option<u32>,
        name: &str,
    ) -> Result<Self, Error> {
        let quoted = quote(name);
        let password = format!("{:032x}", rand::random::<u128>());
        let statements = [
            // A role that is no superuser may create a database for another role only as its
            // member.
            format!("create role {quoted} login password '{password}'"),
            format!("grant {quoted} to current_user"),
            format!("create database {quoted} owner {quoted}"),
            format!("revoke connect on database {quoted} from public"),
        ];
        execute(admin, statements).await?;

        let options = client.username(name).password(&password).database(name);
        let url = plain_url(&options);
        Ok(Self {
            name: name.to_owned(),
            url,
            server_pid,
            options,
        })
    }

    /// Ends the connections of a database, and removes it with its role.
    pub(super) async fn remove(admin: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
        let quoted = quote(name);
        let statements = [
            format!("drop database if exists {quoted} with (force)"),
            format!("drop role if exists {quoted}"),
        ];
        execute(admin, statements).await
    }

    /// Opens a connection as the database's role.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn connect(&self) -> Result<PgConnection, Error> {
        Ok(self.options.connect().await?)
    }

    /// Opens a pool as the database's role, with sqlx's defaults.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn pool(&self) -> Result<PgPool, Error> {
        Ok(PgPool::connect_with(self.options.clone()).await?)
    }
}

async fn execute<const N: usize>(
    admin: &mut PgConnection,
    statements: [String; N],
) -> Result<(), sqlx::Error> {
    for statement in statements {
        // This is safe: names are quoted, and the password consists of hexadecimal digits.
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *admin)
            .await?;
    }
    Ok(())
}

/// The address without the parameters that only sqlx knows, so that psql and other clients accept
/// it.
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

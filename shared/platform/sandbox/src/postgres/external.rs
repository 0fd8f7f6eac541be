//! An external Postgres server. Our databases on it have a prefix, so that the next run finds and
//! removes them after a crash.

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::Mutex;

use super::Database;
use crate::Error;

/// The first half of the key of our advisory locks. The second half is the number of the run.
const LOCK_SPACE: i32 = 0x7477_6f66;

/// A server that we did not start.
///
/// Databases are named `twofold_<run>_<name>`. A run holds an advisory lock on its number while it
/// lives, so the next run can tell the databases of a killed run from those in use.
#[derive(Debug)]
pub(super) struct ExternalServer {
    pub(super) admin: PgConnectOptions,
    run: u32,
    _claim: Mutex<PgConnection>,
}

impl ExternalServer {
    pub(super) async fn open(url: &str) -> Result<Self, Error> {
        let unreachable = |address: String| {
            move |error: sqlx::Error| Error::Unreachable {
                address,
                reason: error.to_string(),
            }
        };
        let admin: PgConnectOptions = url.parse().map_err(unreachable(without_password(url)))?;
        let address = format!("{}:{}", admin.get_host(), admin.get_port());
        let mut claim = admin.connect().await.map_err(unreachable(address))?;

        let run = rand::random();
        if !lock(&mut claim, run).await? {
            return Err(Error::Database(sqlx::Error::Protocol(
                "the number of this run is in use: start again".into(),
            )));
        }
        remove_leftovers(&mut claim).await?;
        Ok(Self {
            admin,
            run,
            _claim: Mutex::new(claim),
        })
    }

    pub(super) fn full_name(&self, name: &str) -> String {
        format!("twofold_{:08x}_{name}", self.run)
    }
}

async fn lock(connection: &mut PgConnection, run: u32) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select pg_try_advisory_lock($1, $2)")
        .bind(LOCK_SPACE)
        .bind(run.cast_signed())
        .fetch_one(connection)
        .await
}

/// Removes the databases of runs that no longer hold their lock.
async fn remove_leftovers(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let names: Vec<String> =
        sqlx::query_scalar("select datname from pg_database where datname ~ $1 order by datname")
            .bind("^twofold_[0-9a-f]{8}_")
            .fetch_all(&mut *connection)
            .await?;

    for name in names {
        let Ok(run) = u32::from_str_radix(&name[8..16], 16) else {
            continue;
        };
        if lock(connection, run).await? {
            tracing::info!(database = name, "removing a database of a killed run");
            Database::remove(connection, &name).await?;
            unlock(connection, run).await?;
        }
    }
    Ok(())
}

async fn unlock(connection: &mut PgConnection, run: u32) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_unlock($1, $2)")
        .bind(LOCK_SPACE)
        .bind(run.cast_signed())
        .execute(connection)
        .await?;
    Ok(())
}

/// The address without user and password, for error messages.
fn without_password(url: &str) -> String {
    url.rsplit_once('@')
        .map_or(url, |(_, rest)| rest)
        .to_owned()
}

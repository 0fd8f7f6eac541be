//! Somebody's Postgres server: what we make there is marked, and found again after a crash.

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::Mutex;

use super::Database;
use crate::Error;

/// First half of our advisory locks' key; the second is the run's number.
const LOCK_SPACE: i32 = 0x7477_6f66;

/// A server that outlives us.
///
/// Databases are named `twofold_<run>_<name>`. While a run lives it holds an advisory lock on its
/// number, so the next run tells what a killed one left behind from what is in use.
#[derive(Debug)]
pub(super) struct GivenServer {
    pub(super) admin: PgConnectOptions,
    run: u32,
    _claim: Mutex<PgConnection>,
}

impl GivenServer {
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
                "a run's number is in use".into(),
            )));
        }
        sweep(&mut claim).await?;
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

/// Removes databases whose run holds its lock no more.
async fn sweep(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
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
            tracing::info!(database = name, "removing what a killed run left behind");
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

/// The part of an address that may be shown.
fn without_password(url: &str) -> String {
    url.rsplit_once('@')
        .map_or(url, |(_, rest)| rest)
        .to_owned()
}

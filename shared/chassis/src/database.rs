//! Connecting to Postgres, and bringing its tables up to date.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::Instant;

use crate::Context;
use crate::config::Database;

/// How long a database may take to come up beside us before we give up on it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a request waits for a free connection before it is answered with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that rested longer than this is tried before it is used. Trying each, as the pool
/// would by itself, costs a round trip a transaction.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// Connects, runs the migrations one after another, and makes readiness depend on the database.
///
/// Of several processes that start at once, one migrates and the others wait for it.
///
/// # Errors
/// When the database cannot be reached, refuses us, or has other migrations than these.
pub fn connect<'a>(
    settings: &'a Database,
    migrations: impl IntoIterator<Item = Migrator>,
    context: &'a Context,
) -> LocalBoxFuture<'a, anyhow::Result<PgPool>> {
    begin(settings, migrations.into_iter().collect(), context)
}

/// Boxed where no type is left open, so that it is compiled in this crate.
fn begin<'a>(
    settings: &'a Database,
    migrations: Vec<Migrator>,
    context: &'a Context,
) -> LocalBoxFuture<'a, anyhow::Result<PgPool>> {
    connect_and_migrate(settings, migrations, context).boxed_local()
}

async fn connect_and_migrate(
    settings: &Database,
    migrations: Vec<Migrator>,
    context: &Context,
) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = settings
        .database_url
        .expose()
        .parse()
        .context("DATABASE_URL is no address of a Postgres database")?;
    let options = options
        .application_name(context.name())
        .options([("plan_cache_mode", "force_generic_plan")]);

    let mut connection = first_connection(&options).await?;
    for migrator in migrations {
        let migrated = migrator.run(&mut connection).await;
        migrated.context("cannot migrate the database")?;
    }
    connection.close().await?;

    let database = PgPoolOptions::new()
        .max_connections(settings.database_pool_size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, rest| {
            Box::pin(async move {
                let untested = rest.idle_for > TRUSTED_FOR;
                Ok(!untested || connection.ping().await.is_ok())
            })
        })
        .connect_with(options)
        .await?;
    let watched = database.clone();
    context.ready_when("database", move || {
        let database = watched.clone();
        async move { sqlx::query("select 1").execute(&database).await.is_ok() }
    });
    Ok(database)
}

/// Tries until the database answers, or [`PATIENCE`] is at its end.
async fn first_connection(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let attempt = PgConnection::connect_with(options);
        let error = match tokio::time::timeout(PATIENCE, attempt).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if is_passing(&error) => anyhow!(error),
            Ok(Err(error)) => {
                return Err(anyhow!(error)).context(format!(
                    "the database at {place} refuses us: check the name, user and password in \
                     DATABASE_URL"
                ));
            }
            Err(_) => anyhow!("no answer"),
        };
        if Instant::now() > deadline {
            return Err(error).context(format!(
                "cannot reach a database at {place}: start it, or set DATABASE_URL"
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether the error is transient, so a retry may succeed: the server was not reached (SQLSTATE
/// class 08), is starting or stopping (57P), has no connection, memory or disk space left (53),
/// takes no writes for now (25006), or gave up on what waited too long or in a circle (55P03,
/// 57014, 40P01, 40001). A protocol that was violated (08P01) is a fault.
pub(crate) fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            let class = ["08", "53", "57P"]
                .iter()
                .any(|class| code.starts_with(class));
            let alone = ["25006", "40001", "40P01", "55P03", "57014"].contains(&&*code);
            (class || alone) && code != "08P01"
        }),
        _ => false,
    }
}

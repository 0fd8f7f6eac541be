//! Connection to Postgres at the start of a service, with migrations and a readiness check. The
//! crate `database` makes the pool and lends its connections.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::Instant;

use crate::Context;
use crate::config::Database;

/// How long the start waits for a database that is not reachable yet: containers of one deployment
/// start in any order, and Postgres takes a second or two.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Connects, runs the migrations one after another, and adds a readiness check of the database.
///
/// If several processes start at once, one migrates and the others wait for it.
///
/// # Errors
/// When the database cannot be reached, refuses the user, or has other migrations than these.
pub fn connect<'a>(
    settings: &'a Database,
    migrations: impl IntoIterator<Item = Migrator>,
    context: &'a Context,
) -> LocalBoxFuture<'a, anyhow::Result<PgPool>> {
    connect_boxed(settings, migrations.into_iter().collect(), context)
}

/// The same without a type parameter, so that the future is compiled in this crate.
fn connect_boxed<'a>(
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
        .context("DATABASE_URL is not the address of a Postgres database")?;
    // With its pid, so that replicas on one machine differ in `pg_stat_activity`.
    let name = format!("{} {}", context.name(), std::process::id());
    let options = options.application_name(&name);

    let mut connection = first_connection(&options).await?;
    for migrator in migrations {
        let migrated = migrator.run(&mut connection).await;
        migrated.context("cannot migrate the database")?;
    }
    connection.close().await?;

    let database = database::connect(options, settings.database_pool_size).await?;
    let watched = database.clone();
    context.ready_when("database", move || {
        let database = watched.clone();
        async move {
            let Ok(mut connection) = database::lend(&database).await else {
                return false;
            };
            sqlx::query("select 1")
                .execute(&mut *connection)
                .await
                .is_ok()
        }
    });
    Ok(database)
}

/// Retries until the database answers, for up to [`TIMEOUT`].
async fn first_connection(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let attempt = database::connect_for_migrations(options);
        let error = match tokio::time::timeout(TIMEOUT, attempt).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if database::is_transient(&error) => anyhow!(error),
            Ok(Err(error)) => {
                return Err(anyhow!(error)).context(format!(
                    "the database at {place} refuses the connection: check the name, user and \
                     password in DATABASE_URL"
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

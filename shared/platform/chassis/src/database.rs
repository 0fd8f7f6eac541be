//! Connecting to Postgres, and bringing its tables up to date. The pool itself, and how its
//! connections are lent, is the crate `database`'s.

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

/// How long a database may take to come up beside us before we give up on it.
const PATIENCE: Duration = Duration::from_secs(5);

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
    let options = options.application_name(context.name());

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

/// Tries until the database answers, or [`PATIENCE`] is at its end.
async fn first_connection(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let attempt = database::connect_for_migrations(options);
        let error = match tokio::time::timeout(PATIENCE, attempt).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if database::is_transient(&error) => anyhow!(error),
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

//! Counts how often each person was greeted. The smallest real service: copy it to begin a new one.

pub mod handlers;

use std::process::ExitCode;

use axum::extract::State;
use axum::{Router, routing::get};
use chassis::{Context, Json, Path, Problem, config, database};
use clap::Parser;
use messaging::{Runtime, handler_fn};
use sqlx::PgPool;

/// The template service.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub struct Settings {
    #[command(flatten)]
    pub serving: config::Serving,
    #[command(flatten)]
    pub database: config::Database,
    #[command(flatten)]
    pub queues: messaging::Settings,
}

pub fn main() -> ExitCode {
    chassis::run("template-service", |all: &Settings| &all.serving, start)
}

pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let tables = messaging::with_migrations(sqlx::migrate!());
    let db = database::connect(&settings.database, tables, &context).await?;

    let runtime = Runtime::connect(&db, &settings.queues)
        .await?
        .handle("greetings", handler_fn(handlers::count));
    let health = runtime.health();
    let running = runtime.run(context.shutdown());
    context.supervise("queues", move || health.problems(), running);
    Ok(Router::new()
        .route("/greetings/{name}", get(times))
        .with_state(db))
}

/// How often a person was greeted.
async fn times(
    State(db): State<PgPool>,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let times = sqlx::query_scalar("select times from greetings where name = $1").bind(&name);
    let mut connection = ::database::lend(&db).await?;
    let times: Option<i64> = times.fetch_optional(&mut *connection).await?;
    let times = times.ok_or_else(|| Problem::not_found("no person of this name was greeted"))?;
    Ok(Json(serde_json::json!({ "name": name, "times": times })))
}

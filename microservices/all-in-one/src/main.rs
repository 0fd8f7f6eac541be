//! The services' routes and handlers in one process, for two arms of the comparison: on one
//! database with a queue inside the process (A1), or on SQS with one database per service (A2).
//!
//! The services' code is unchanged. Only their `main` functions are not used, and there is no
//! gateway, because one process needs none.

mod settings;

use std::process::ExitCode;

use axum::Router;
use chassis::Context;
use settings::Settings;

fn main() -> ExitCode {
    chassis::run("all-in-one", |all: &Settings| &all.serving, start)
}

/// Starts all services and merges their routes. Only the auth and the order service have any.
async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let settings = settings.with_local_queue();
    Ok(auth_service::start(settings.auth(), context.clone())
        .await?
        .merge(inventory_service::start(settings.inventory(), context.clone()).await?)
        .merge(shipping_service::start(settings.shipping(), context.clone()).await?)
        .merge(payment_service::start(settings.payment(), context.clone()).await?)
        .merge(order_service::start(settings.order(), context).await?))
}

//! The services' own routes and handlers in one process, for two arms of the comparison: on one
//! database with a queue inside the process (A1), or on SQS with databases of their own (A2).
//!
//! Nothing of the services is changed for it: their `main`s are left out, and so is the gateway,
//! for there is only one process to go to.

mod settings;

use std::process::ExitCode;

use axum::Router;
use chassis::Context;
use settings::Settings;

fn main() -> ExitCode {
    chassis::run("all-in-one", |all: &Settings| &all.serving, start)
}

/// Only the auth and the order service have routes; the others' are empty and merge to nothing.
async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let settings = settings.on_its_queue();
    Ok(auth_service::start(settings.auth(), context.clone())
        .await?
        .merge(inventory_service::start(settings.inventory(), context.clone()).await?)
        .merge(shipping_service::start(settings.shipping(), context.clone()).await?)
        .merge(payment_service::start(settings.payment(), context.clone()).await?)
        .merge(order_service::start(settings.order(), context).await?))
}

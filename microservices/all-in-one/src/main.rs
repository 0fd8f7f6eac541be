//! The services' own routes and handlers in one process, for two arms of the comparison: on one
//! database with a queue inside the process (A1), or on SQS with databases of their own (A2).
//!
//! Nothing of the services is changed for it: their `main`s are left out, and so is the gateway,
//! for there is only one process to go to.

mod settings;

use std::process::ExitCode;

use axum::Router;
use chassis::Context;
use clap::Parser;
use messaging::{Local, Transport};
use settings::{Queue, Settings};

fn main() -> ExitCode {
    let settings = Settings::parse();
    let serving = settings.serving.clone();
    chassis::run("all-in-one", serving, |context| start(settings, context))
}

async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let mut routes = auth_service::start(settings.auth(), context.clone()).await?;
    routes = match settings.queue {
        Queue::Local => routes.merge(on_local(&settings, &context).await?),
        Queue::Sqs => routes.merge(on_sqs(&settings, &context).await?),
    };
    Ok(routes)
}

/// Only the order service has routes; the others' are empty and merge to nothing.
async fn on_local(settings: &Settings, context: &Context) -> anyhow::Result<Router> {
    let local = Local::new();
    let queue = || Transport::Local(local.clone());
    Ok(
        inventory_service::start_on(queue(), settings.inventory(), context.clone())
            .await?
            .merge(shipping_service::start_on(queue(), settings.shipping(), context.clone()).await?)
            .merge(payment_service::start_on(queue(), settings.payment(), context.clone()).await?)
            .merge(order_service::start_on(queue(), settings.order(), context.clone()).await?),
    )
}

async fn on_sqs(settings: &Settings, context: &Context) -> anyhow::Result<Router> {
    Ok(
        inventory_service::start(settings.inventory(), context.clone())
            .await?
            .merge(shipping_service::start(settings.shipping(), context.clone()).await?)
            .merge(payment_service::start(settings.payment(), context.clone()).await?)
            .merge(order_service::start(settings.order(), context.clone()).await?),
    )
}

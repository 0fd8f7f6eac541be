//! Inventory: sets stock aside for orders that are paid, and puts it back for cancelled ones.
//!
//! Invariants:
//! - an order is reserved whole or not at all;
//! - stock plus reservations is conserved and never negative;
//! - an order that was cancelled first takes nothing, whenever its payment is heard of.

pub mod handlers;

use std::future::ready;

use axum::Router;
use chassis::{Context, config, database};
use clap::Parser;
use contracts::topology::{self, AT_LEISURE, INVENTORY};
use handlers::Inventory;
use messaging::{Service, Transport};

use sqlx::PgPool;

/// The inventory service.
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

/// Handles messages on SQS. Nothing is served but health and metrics.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let db = connect(&settings, &context).await?;
    let service = Service::connect(&db, &settings.queues).await?;
    serve(service, settings, context)
}

/// The same with messages on another transport, for the arms of the comparison without SQS.
pub async fn start_on(
    transport: Transport,
    settings: Settings,
    context: Context,
) -> anyhow::Result<Router> {
    let db = connect(&settings, &context).await?;
    let service = Service::new(&db, transport);
    serve(service, settings, context)
}

async fn connect(settings: &Settings, context: &Context) -> anyhow::Result<PgPool> {
    let tables = [
        store::Context::Inventory.migrations(),
        messaging::migrations(),
    ];
    database::connect(&settings.database, tables, context).await
}

fn serve(service: Service, _: Settings, context: Context) -> anyhow::Result<Router> {
    let topology = topology::Settings::default();
    let service = service
        .queues(topology::used_by("inventory", topology))
        .limits(|limits| limits.linger = AT_LEISURE)
        .handle(topology::queue(INVENTORY, topology), Inventory);

    let health = service.health();
    context.ready_when("queues", move || ready(health.is_good()));
    context.background("messages", service.run(context.shutdown()));
    Ok(Router::new())
}

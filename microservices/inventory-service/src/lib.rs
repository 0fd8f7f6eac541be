//! Inventory: reserves stock for authorized orders, and releases it for cancelled ones.
//!
//! Invariants:
//! - an order is reserved whole or not at all;
//! - stock plus reservations is conserved and never negative;
//! - an order that was cancelled first reserves nothing, even if its payment event comes later.

pub mod handlers;

use std::process::ExitCode;

use axum::Router;
use chassis::{Context, config, database};
use clap::Parser;
use contracts::topology::{self, INVENTORY};
use handlers::Inventory;
use messaging::Runtime;

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

/// Runs the process.
pub fn main() -> ExitCode {
    chassis::run("inventory-service", |all: &Settings| &all.serving, start)
}

/// Starts to handle messages. There are no routes except health and metrics.
///
/// # Errors
/// When the database or a queue cannot be reached.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let tables = [
        store::Context::Inventory.migrations(),
        messaging::migrations(),
    ];
    let db = database::connect(&settings.database, tables, &context).await?;
    let topology = topology::Settings::default();
    let queue = topology::queue(INVENTORY, topology);
    let options = contracts::consumer_options(&queue);
    let runtime = Runtime::connect(&db, &settings.queues)
        .await?
        .relay_options(contracts::relay_options())
        .queues(topology::used_by("inventory", topology))
        .handle_with(queue, options, Inventory);

    let health = runtime.health();
    let running = runtime.run(context.shutdown());
    context.supervise("queues", move || health.problems(), running);
    Ok(Router::new())
}

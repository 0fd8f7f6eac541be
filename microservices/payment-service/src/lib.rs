//! Payment: authorizes, captures, voids and refunds, by calling the provider, a third party.
//!
//! Invariants:
//! - the provider is called outside of every transaction, and idempotently by order id;
//! - an authorization that no event has answered is published again ([`overdue`]);
//! - an order has one payment; an order that was cancelled first is never charged.

pub mod handlers;
mod move_money;
pub mod overdue;

use std::process::ExitCode;

use axum::Router;
use chassis::{Context, config, database};
use clap::Parser;
use contracts::topology::{self, PAYMENT};
use handlers::RecordPayments;
use messaging::{PlainHandler as _, Runtime};
use storefront::Provider;

pub use move_money::MoveMoney;

/// The payment service.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub struct Settings {
    #[command(flatten)]
    pub serving: config::Serving,
    #[command(flatten)]
    pub database: config::Database,
    #[command(flatten)]
    pub queues: messaging::Settings,

    /// URL of the payment provider, such as `http://127.0.0.1:9400`.
    #[arg(long, env = "PAYMENT_PROVIDER_URL")]
    pub payment_provider_url: String,

    #[command(flatten)]
    pub overdue: overdue::Ages,
}

/// Runs the process.
pub fn main() -> ExitCode {
    chassis::run("payment-service", |all: &Settings| &all.serving, start)
}

/// Starts to handle messages. There are no routes except health and metrics.
///
/// # Errors
/// When the database or a queue cannot be reached.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let tables = [
        store::Context::Payments.migrations(),
        store::overdue_payments(),
        messaging::migrations(),
    ];
    let db = database::connect(&settings.database, tables, &context).await?;
    let topology = topology::Settings::default();
    let provider = Provider::new(&settings.payment_provider_url)?;
    let queue = topology::queue(PAYMENT, topology);
    let options = contracts::consumer_options(&queue);
    let runtime = Runtime::connect(&db, &settings.queues)
        .await?
        .relay_options(contracts::relay_options())
        .queues(topology::used_by("payment", topology))
        .handle_with(queue, options, MoveMoney { provider }.then(RecordPayments));

    let (outbox, ages) = (runtime.outbox(), settings.overdue);
    context.handle_overdue("unanswered payments", ages.unanswered(), move || {
        let (outbox, ages) = (outbox.clone(), ages.clone());
        async move { overdue::republish(&outbox, &ages).await }
    });
    let health = runtime.health();
    let running = runtime.run(context.shutdown());
    context.supervise("queues", move || health.problems(), running);
    Ok(Router::new())
}

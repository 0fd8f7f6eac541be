//! Payment: moves the money of orders, by way of a provider that is somebody else's.
//!
//! Invariants:
//! - the provider is called outside of every transaction, and idempotently by order id;
//! - what was authorized and not answered is told again ([`overdue`]);
//! - an order has one payment; one that was cancelled first is never charged.

pub mod handlers;
pub mod overdue;

use std::process::ExitCode;

use axum::Router;
use chassis::{Context, config, database};
use clap::Parser;
use contracts::topology::{self, AT_LEISURE, PAYMENT};
use handlers::Payments;
use messaging::Service;
use shop::Provider;

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

    /// Where the payment provider is reached, such as `http://127.0.0.1:9400`.
    #[arg(long, env = "PAYMENT_PROVIDER_URL")]
    pub payment_provider_url: String,

    #[command(flatten)]
    pub overdue: overdue::Ages,
}

/// The process.
pub fn main() -> ExitCode {
    chassis::run("payment-service", |all: &Settings| &all.serving, start)
}

/// Handles messages. Nothing is served but health and metrics.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let tables = [
        store::Context::Payments.migrations(),
        messaging::migrations(),
    ];
    let db = database::connect(&settings.database, tables, &context).await?;
    let topology = topology::Settings::default();
    let provider = Provider::new(&settings.payment_provider_url)?;
    let service = Service::connect(&db, &settings.queues)
        .await?
        .queues(topology::used_by("payment", topology))
        .limits(|limits| limits.linger = AT_LEISURE)
        .handle_two_phase(topology::queue(PAYMENT, topology), Payments { provider });

    let (relay, ages) = (service.relay(), settings.overdue);
    context.look_after("unanswered payments", ages.unanswered(), move || {
        let (relay, ages) = (relay.clone(), ages.clone());
        async move { overdue::tell_again(&relay, &ages).await }
    });
    let health = service.health();
    let running = service.run(context.shutdown());
    context.attend("queues", move || health.troubles(), running);
    Ok(Router::new())
}

//! Payment: moves the money of orders, by way of a provider that is somebody else's.
//!
//! Invariants:
//! - the provider is called outside of every transaction, and idempotently by order id;
//! - an order has one payment; one that was cancelled first is never charged.

pub mod handlers;

use std::future::ready;

use axum::Router;
use chassis::{Context, config, database};
use clap::Parser;
use contracts::topology::{self, AT_LEISURE, PAYMENT};
use handlers::Payments;
use messaging::{Service, Transport};
use shop::Provider;
use sqlx::PgPool;

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
        store::Context::Payments.migrations(),
        messaging::migrations(),
    ];
    database::connect(&settings.database, tables, context).await
}

fn serve(service: Service, settings: Settings, context: Context) -> anyhow::Result<Router> {
    let topology = topology::Settings::default();
    let provider = Provider::new(&settings.payment_provider_url)?;
    let service = service
        .queues(topology::used_by("payment", topology))
        .limits(|limits| limits.linger = AT_LEISURE)
        .handle_two_phase(topology::queue(PAYMENT, topology), Payments { provider });

    let health = service.health();
    context.ready_when("queues", move || ready(health.is_good()));
    context.background("messages", service.run(context.shutdown()));
    Ok(Router::new())
}

//! Orders: takes them in, remembers what becomes of them, and looks after those that take too long.
//!
//! Invariants:
//! - an order and the event that tells of it are committed together ([`place_order`]);
//! - a status is read off the facts that were heard, in whatever order;
//! - nothing is decided here: payment, inventory and shipping decide.

mod cancel_order;
pub mod handlers;
mod place_order;
mod routes;

use std::future::ready;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use chassis::auth::TokenVerifier;
use chassis::{Context, config, database};
use clap::Parser;
use contracts::topology::{self, AT_LEISURE, EXPIRY, ORDER};
use handlers::{Expire, Remember};
use messaging::{Relay, Service, Transport};
use sqlx::PgPool;

/// The order service.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub struct Settings {
    #[command(flatten)]
    pub serving: config::Serving,
    #[command(flatten)]
    pub database: config::Database,
    #[command(flatten)]
    pub token_key: config::TokenKey,
    #[command(flatten)]
    pub queues: messaging::Settings,

    /// How long an order may stay unsettled before it asks to be cancelled, in milliseconds, up to
    /// a month.
    #[arg(long, env = "ORDER_EXPIRY_MS", default_value_t = 300_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub order_expiry_ms: u64,
}

/// What every request works with.
#[derive(Clone, FromRef)]
pub(crate) struct Orders {
    db: PgPool,
    verifier: TokenVerifier,
    relay: Relay,
    #[from_ref(skip)]
    expiry: Duration,
}

/// Serves orders, with messages on SQS.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let db = connect(&settings, &context).await?;
    let service = Service::connect(&db, &settings.queues).await?;
    serve(db, service, settings, context)
}

/// The same with messages on another transport, for the arms of the comparison without SQS.
pub async fn start_on(
    transport: Transport,
    settings: Settings,
    context: Context,
) -> anyhow::Result<Router> {
    let db = connect(&settings, &context).await?;
    let service = Service::new(&db, transport);
    serve(db, service, settings, context)
}

async fn connect(settings: &Settings, context: &Context) -> anyhow::Result<PgPool> {
    let tables = [store::Context::Orders.migrations(), messaging::migrations()];
    database::connect(&settings.database, tables, context).await
}

fn serve(
    db: PgPool,
    service: Service,
    settings: Settings,
    context: Context,
) -> anyhow::Result<Router> {
    let queue = |name| topology::queue(name, topology::Settings::default());
    let service = service
        .queues(topology::used_by("order", topology::Settings::default()))
        .limits(|limits| limits.linger = AT_LEISURE)
        .handle(queue(ORDER), Remember)
        .limits(|limits| limits.batch_wait = AT_LEISURE)
        .handle(queue(EXPIRY), Expire);

    let orders = Orders {
        db,
        verifier: TokenVerifier::new(&settings.token_key)?,
        relay: service.relay(),
        expiry: Duration::from_millis(settings.order_expiry_ms),
    };
    let health = service.health();
    context.ready_when("queues", move || ready(health.is_good()));
    context.background("messages", service.run(context.shutdown()));
    Ok(routes::routes(orders))
}

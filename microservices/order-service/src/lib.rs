//! Orders: takes them in, remembers what becomes of them, and looks after those that take too long.
//!
//! Invariants:
//! - an order and the event that tells of it are committed together ([`place_order`]);
//! - a status is read off the facts that were heard, in whatever order;
//! - an order that stays without an end is told of again ([`overdue`]);
//! - nothing is decided here: payment, inventory and shipping decide.

mod cancel_order;
pub mod handlers;
pub mod overdue;
mod place_order;
mod routes;

use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use chassis::auth::TokenVerifier;
use chassis::{Context, config, database};
use clap::Parser;
use contracts::topology::{self, AT_LEISURE, EXPIRY, ORDER};
use handlers::{Expire, Remember};
use messaging::{Relay, Service};
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

    #[command(flatten)]
    pub overdue: overdue::Ages,
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

/// The process.
pub fn main() -> ExitCode {
    chassis::run("order-service", |all: &Settings| &all.serving, start)
}

/// Serves orders and handles messages.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let tables = [store::Context::Orders.migrations(), messaging::migrations()];
    let db = database::connect(&settings.database, tables, &context).await?;
    let queue = |name| topology::queue(name, topology::Settings::default());
    let service = Service::connect(&db, &settings.queues)
        .await?
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
    let (relay, ages, expiry) = (service.relay(), settings.overdue, orders.expiry);
    context.look_after("overdue orders", ages.shortest(), move || {
        let (relay, ages) = (relay.clone(), ages.clone());
        async move { overdue::tell_again(&relay, &ages, expiry).await }
    });
    let health = service.health();
    let running = service.run(context.shutdown());
    context.attend("queues", move || health.troubles(), running);
    Ok(routes::routes(orders))
}

//! Orders: takes them in, records every fact about them, and looks after those that take too long.
//!
//! Invariants:
//! - an order and the event that tells of it are committed together ([`place_order`]);
//! - a status is read off the facts that are known, in whatever order they came;
//! - an order that stays unsettled is published again ([`overdue`]);
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
use contracts::http::TOKEN_ISSUER;
use contracts::topology::{self, EXPIRY, ORDER};
use handlers::{ExpireOrders, RecordFacts};
use messaging::{Outbox, Runtime};
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
    outbox: Outbox,
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
    let topology = topology::Settings::default();
    let [events, expiry] = [ORDER, EXPIRY].map(|name| topology::queue(name, topology));
    let [reading, expiring] = [&events, &expiry].map(contracts::consumer_options);
    let runtime = Runtime::connect(&db, &settings.queues)
        .await?
        .relay_options(contracts::relay_options())
        .queues(topology::used_by("order", topology))
        .handle_with(events, reading, RecordFacts)
        .handle_with(expiry, expiring, ExpireOrders);

    let orders = Orders {
        db,
        verifier: TokenVerifier::new(&settings.token_key, TOKEN_ISSUER)?,
        outbox: runtime.outbox(),
        expiry: Duration::from_millis(settings.order_expiry_ms),
    };
    let (outbox, ages, expiry) = (runtime.outbox(), settings.overdue, orders.expiry);
    context.handle_overdue("overdue orders", ages.shortest(), move || {
        let (outbox, ages) = (outbox.clone(), ages.clone());
        async move { overdue::tell_again(&outbox, &ages, expiry).await }
    });
    let health = runtime.health();
    let running = runtime.run(context.shutdown());
    context.supervise("queues", move || health.problems(), running);
    Ok(routes::routes(orders))
}

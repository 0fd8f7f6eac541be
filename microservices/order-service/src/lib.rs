//! Orders: accepts them, records every fact about them, and handles those that are overdue.
//!
//! Invariants:
//! - an order and its event are committed together ([`place_order`]);
//! - a status is computed from the recorded facts, in any order;
//! - an order that stays unsettled is published again ([`overdue`]);
//! - this service decides nothing: payment, inventory and shipping decide.

mod cancel_order;
pub mod expire_orders;
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
use expire_orders::ExpireOrders;
use handlers::RecordFacts;
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

    /// How long an order may stay unsettled before its cancellation is requested, in milliseconds,
    /// up to a month.
    #[arg(long, env = "ORDER_EXPIRY_MS", default_value_t = 300_000,
          value_parser = clap::value_parser!(u64).range(1..=2_678_400_000))]
    pub order_expiry_ms: u64,

    #[command(flatten)]
    pub overdue: overdue::Ages,
}

/// The state that every request uses.
#[derive(Clone, FromRef)]
pub(crate) struct Orders {
    db: PgPool,
    verifier: TokenVerifier,
    outbox: Outbox,
    #[from_ref(skip)]
    expiry: Duration,
    #[from_ref(skip)]
    answer_within: Duration,
}

/// Runs the process.
pub fn main() -> ExitCode {
    chassis::run("order-service", |all: &Settings| &all.serving, start)
}

/// Starts to handle messages, and returns the routes.
///
/// # Errors
/// When the database or a queue cannot be reached.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let tables = [store::Context::Orders.migrations(), messaging::migrations()];
    let db = database::connect(&settings.database, tables, &context).await?;
    let topology = topology::Settings::default();
    let [events, expiry] = [ORDER, EXPIRY].map(|name| topology::queue(name, topology));
    let [event_options, expiry_options] = [&events, &expiry].map(contracts::consumer_options);
    let expire = ExpireOrders {
        answer_within: settings.overdue.unanswered(),
    };
    let runtime = Runtime::connect(&db, &settings.queues)
        .await?
        .relay_options(contracts::relay_options())
        .queues(topology::used_by("order", topology))
        .handle_with(events, event_options, RecordFacts)
        .handle_with(expiry, expiry_options, expire);

    let orders = Orders {
        db,
        verifier: TokenVerifier::new(&settings.token_key, TOKEN_ISSUER)?,
        outbox: runtime.outbox(),
        expiry: Duration::from_millis(settings.order_expiry_ms),
        answer_within: settings.overdue.unanswered(),
    };
    let (outbox, ages, expiry) = (runtime.outbox(), settings.overdue, orders.expiry);
    context.handle_overdue("overdue orders", ages.shortest(), move || {
        let (outbox, ages) = (outbox.clone(), ages.clone());
        async move { overdue::republish(&outbox, &ages, expiry).await }
    });
    let health = runtime.health();
    let running = runtime.run(context.shutdown());
    context.supervise("queues", move || health.problems(), running);
    Ok(routes::routes(orders))
}

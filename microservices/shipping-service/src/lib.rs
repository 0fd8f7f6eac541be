//! Shipping: schedules shipments, and alone decides between dispatch and cancel.
//!
//! Invariants:
//! - the transaction that locks a shipment's row decides the race, and it is decided once;
//! - a dispatch waits on the delay queue for the end of its cancellation window; if its message is
//!   lost, its row is found ([`overdue`]);
//! - an order that was cancelled first is never shipped, even if its reservation comes later.

mod dispatch;
pub mod handlers;
pub mod overdue;

use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use chassis::{Context, config, database};
use clap::Parser;
use contracts::topology::{self, DISPATCH, SHIPPING};
use handlers::Shipping;
use messaging::Runtime;

pub use dispatch::Dispatch;

/// The shipping service.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub struct Settings {
    #[command(flatten)]
    pub serving: config::Serving,
    #[command(flatten)]
    pub database: config::Database,
    #[command(flatten)]
    pub queues: messaging::Settings,

    /// How long a confirmed order can still be cancelled, in milliseconds, up to 15 minutes. SQS
    /// delays are whole seconds, so it is rounded up to a second.
    #[arg(long, env = "CANCELLATION_WINDOW_MS", default_value_t = 60_000,
          value_parser = clap::value_parser!(u64).range(..=900_000))]
    pub cancellation_window_ms: u64,

    #[command(flatten)]
    pub overdue: overdue::Ages,
}

/// Runs the process.
pub fn main() -> ExitCode {
    chassis::run("shipping-service", |all: &Settings| &all.serving, start)
}

/// Starts to handle messages. There are no routes except health and metrics.
///
/// # Errors
/// When the database or a queue cannot be reached.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    let tables = [
        store::Context::Shipping.migrations(),
        store::overdue_shipments(),
        messaging::migrations(),
    ];
    let db = database::connect(&settings.database, tables, &context).await?;
    let cancellation_window = Duration::from_millis(settings.cancellation_window_ms);
    let topology = topology::Settings {
        cancellation_window,
    };
    let [events, dispatch] = [SHIPPING, DISPATCH].map(|name| topology::queue(name, topology));
    let [event_options, dispatch_options] = [&events, &dispatch].map(contracts::consumer_options);
    let shipping = Shipping {
        cancellation_window,
    };
    let runtime = Runtime::connect(&db, &settings.queues)
        .await?
        .relay_options(contracts::relay_options())
        .queues(topology::used_by("shipping", topology))
        .handle_with(events, event_options, shipping)
        .handle_with(dispatch, dispatch_options, Dispatch);

    let (outbox, ages) = (runtime.outbox(), settings.overdue.clone());
    context.handle_overdue("overdue dispatches", ages.late(), move || {
        let (outbox, ages) = (outbox.clone(), ages.clone());
        async move { overdue::dispatch(&outbox, &ages).await }
    });
    let (outbox, ages) = (runtime.outbox(), settings.overdue);
    context.handle_overdue("cancellations", ages.cancelled(), move || {
        let (outbox, ages) = (outbox.clone(), ages.clone());
        async move { overdue::republish_cancelled(&outbox, &ages).await }
    });
    let health = runtime.health();
    let running = runtime.run(context.shutdown());
    context.supervise("queues", move || health.problems(), running);
    Ok(Router::new())
}

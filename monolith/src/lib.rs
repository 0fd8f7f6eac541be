//! The shop as one process on one database.
//!
//! Invariants:
//! - an order is decided in one transaction, all of which is in [`place_order`];
//! - the payment provider is never called inside a transaction; what is owed to it is written down
//!   ([`settlement`]), and what nobody owns is given back ([`sweep`]);
//! - any number of replicas may run on the same database.
//!
//! There is no queue and no event, and no step of a transaction is tried again: what fails is
//! rolled back.

pub mod cancel_order;
pub mod dispatch;
pub mod place_order;
pub mod places;
mod routes;
mod settings;
pub mod settlement;
pub mod sweep;

use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use chassis::auth::{TokenIssuer, TokenVerifier};
use chassis::{Context, database};
use shop::Provider;
use sqlx::PgPool;

use places::Places;
pub use settings::Settings;
use settlement::Settlement;

/// What every request and every background task works with.
#[derive(Clone, FromRef)]
pub struct Shop {
    pub db: PgPool,
    pub provider: Provider,
    pub tokens: TokenIssuer,
    pub verifier: TokenVerifier,
    pub settlement: Settlement,
    pub places: Places,
    /// How long a confirmed order can still be cancelled.
    #[from_ref(skip)]
    pub window: Duration,
}

/// The process.
pub fn main() -> ExitCode {
    chassis::run("monolith", |all: &Settings| &all.serving, start)
}

/// Connects, starts what runs in the background, and returns what is served.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    settings.check()?;
    let migrations = store::Context::ALL.map(store::Context::migrations);
    let shop = Shop {
        db: database::connect(&settings.database, migrations, &context).await?,
        provider: Provider::new(&settings.payment_provider_url)?,
        tokens: TokenIssuer::new(&settings.signing)?,
        verifier: TokenVerifier::new(&settings.token_key)?,
        settlement: Settlement::default(),
        places: Places::new(settings.database.database_pool_size),
        window: settings.cancellation_window(),
    };

    let stop = || context.shutdown();
    context.background("dispatch", dispatch::run(shop.clone(), stop()));
    context.background("settlement", settlement::run(shop.clone(), stop()));
    context.background(
        "sweep",
        sweep::run(shop.clone(), settings.sweep_age(), stop()),
    );
    Ok(routes::routes(shop))
}

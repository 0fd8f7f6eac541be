//! The shop as one process on one database.
//!
//! Invariants:
//! - an order is decided in one transaction, which is in [`place_order`];
//! - the payment provider is never called inside a transaction: calls that are due are saved as
//!   rows ([`payment_due`]), and authorizations without an order are voided ([`sweep`]);
//! - every check that does not need the provider comes before the provider is called;
//! - any number of replicas can run on the same database.
//!
//! There is no queue and no event. A transaction that fails is rolled back, and not retried.

pub mod admission;
pub mod cancel_order;
pub mod dispatch;
mod error;
pub mod every;
pub mod payment_due;
pub mod place_order;
pub mod product_limit;
mod routes;
mod settings;
mod state;
pub mod sweep;
mod void_unless_kept;

use std::process::ExitCode;

use axum::Router;
use chassis::auth::{TokenIssuer, TokenVerifier};
use chassis::{Context, database};
use contracts::http::TOKEN_ISSUER;
use storefront::Provider;

pub use error::Error;
use every::Wake;
use product_limit::ProductLimit;
pub use settings::Settings;
pub use state::Shop;

/// Runs the process.
pub fn main() -> ExitCode {
    chassis::run("monolith", |all: &Settings| &all.serving, start)
}

/// Connects to the database, starts the background tasks, and returns the routes.
///
/// # Errors
/// When a setting is invalid, or the database cannot be reached.
pub async fn start(settings: Settings, context: Context) -> anyhow::Result<Router> {
    settings.check()?;
    let migrations = store::Context::ALL.map(store::Context::migrations);
    let shop = Shop {
        db: database::connect(&settings.database, migrations, &context).await?,
        provider: Provider::new(&settings.payment_provider_url)?,
        tokens: TokenIssuer::new(&settings.signing, TOKEN_ISSUER)?,
        verifier: TokenVerifier::new(&settings.token_key, TOKEN_ISSUER)?,
        admission: settings.admission(),
        payment_due: Wake::default(),
        product_limit: ProductLimit::new(settings.database.database_pool_size),
        cancellation_window: settings.cancellation_window(),
    };

    let stop = || context.shutdown();
    context.background("dispatch", dispatch::run(shop.clone(), stop()));
    context.background("payments", payment_due::run(shop.clone(), stop()));
    context.background(
        "sweep",
        sweep::run(shop.clone(), settings.sweep_age(), stop()),
    );
    Ok(routes::routes(shop))
}

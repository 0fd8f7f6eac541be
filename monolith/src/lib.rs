//! The shop as one process on one database.
//!
//! Invariants:
//! - an order is decided in one transaction, all of which is in [`place_order`];
//! - the payment provider is never called inside a transaction; what is owed to it is written down
//!   ([`payment_due`]), and what no order owns is given back ([`sweep`]);
//! - what can refuse an order without the provider does so before the provider is asked;
//! - any number of replicas may run on the same database.
//!
//! There is no queue and no event, and no step of a transaction is tried again: what fails is
//! rolled back.

pub mod admission;
pub mod cancel_order;
pub mod dispatch;
mod error;
pub mod every;
pub mod payment_due;
pub mod place_order;
pub mod places;
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
use places::Places;
pub use settings::Settings;
pub use state::Shop;

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
        tokens: TokenIssuer::new(&settings.signing, TOKEN_ISSUER)?,
        verifier: TokenVerifier::new(&settings.token_key, TOKEN_ISSUER)?,
        admission: settings.admission(),
        payment_due: Wake::default(),
        places: Places::new(settings.database.database_pool_size),
        window: settings.cancellation_window(),
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

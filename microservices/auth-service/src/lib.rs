//! Accounts: creates them, and issues the tokens that all other processes check by themselves.
//!
//! It sends and receives no events, so only registration and login depend on it.

use std::process::ExitCode;

use axum::Router;
use chassis::auth::TokenIssuer;
use chassis::{config, database};
use clap::Parser;
use contracts::http::TOKEN_ISSUER;
use store::Context::Accounts;
use storefront::accounts;

/// The auth service: registration and login.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub struct Settings {
    #[command(flatten)]
    pub serving: config::Serving,
    #[command(flatten)]
    pub database: config::Database,
    #[command(flatten)]
    pub signing: config::TokenSigning,
}

/// Runs the process.
pub fn main() -> ExitCode {
    chassis::run("auth-service", |all: &Settings| &all.serving, start)
}

/// Connects to the database, and returns the routes.
///
/// # Errors
/// When the signing key is invalid, or the database cannot be reached.
pub async fn start(settings: Settings, context: chassis::Context) -> anyhow::Result<Router> {
    let tokens = TokenIssuer::new(&settings.signing, TOKEN_ISSUER)?;
    let db = database::connect(&settings.database, [Accounts.migrations()], &context).await?;
    Ok(accounts::routes(db, tokens))
}

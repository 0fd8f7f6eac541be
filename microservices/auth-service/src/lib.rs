//! Accounts: opens them, and issues the tokens that every other process checks by itself.
//!
//! It sends no event and hears none, so nobody waits for it but who signs in.

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

/// The process.
pub fn main() -> ExitCode {
    chassis::run("auth-service", |all: &Settings| &all.serving, start)
}

pub async fn start(settings: Settings, context: chassis::Context) -> anyhow::Result<Router> {
    let tokens = TokenIssuer::new(&settings.signing, TOKEN_ISSUER)?;
    let db = database::connect(&settings.database, [Accounts.migrations()], &context).await?;
    Ok(accounts::routes(db, tokens))
}

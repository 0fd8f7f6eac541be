//! The monolith's settings, from flags or the environment.

use std::time::Duration;

use chassis::config::{Database, Serving, TokenKey, TokenSigning};
use clap::Parser;

/// Twofold's shop as a monolith.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub struct Settings {
    #[command(flatten)]
    pub serving: Serving,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub token_key: TokenKey,
    #[command(flatten)]
    pub signing: TokenSigning,

    /// Where the payment provider is reached, such as `http://127.0.0.1:9400`.
    #[arg(long, env = "PAYMENT_PROVIDER_URL")]
    pub payment_provider_url: String,

    /// How long a confirmed order can still be cancelled, in milliseconds.
    #[arg(long, env = "CANCELLATION_WINDOW_MS", default_value_t = 60_000)]
    pub cancellation_window_ms: u64,

    /// How old an authorization must be to be given back when no order owns it, in milliseconds.
    /// It must exceed the longest request, or an order in the making loses its payment.
    #[arg(long, env = "SWEEP_AGE_MS", default_value_t = 60_000,
          value_parser = clap::value_parser!(u64).range(15_000..))]
    pub sweep_age_ms: u64,
}

impl Settings {
    pub fn cancellation_window(&self) -> Duration {
        Duration::from_millis(self.cancellation_window_ms)
    }

    pub fn sweep_age(&self) -> Duration {
        Duration::from_millis(self.sweep_age_ms)
    }
}

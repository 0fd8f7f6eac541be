//! The monolith's settings, from flags or the environment.

use std::time::Duration;

use anyhow::bail;
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
    /// At most 15 minutes, the longest that the services can do: a quota of SQS.
    #[arg(long, env = "CANCELLATION_WINDOW_MS", default_value_t = 60_000,
          value_parser = clap::value_parser!(u64).range(..=900_000))]
    pub cancellation_window_ms: u64,

    /// How old an authorization must be to be given back when no order owns it, in milliseconds.
    /// It must exceed the longest request by 5 s, or an order in the making loses its payment.
    #[arg(long, env = "SWEEP_AGE_MS", default_value_t = 60_000)]
    pub sweep_age_ms: u64,
}

/// What a commit may take after its request has timed out, and then some.
const MARGIN_MS: u64 = 5_000;

impl Settings {
    /// # Errors
    /// When two settings contradict each other.
    pub fn check(&self) -> anyhow::Result<()> {
        let least = self.serving.request_timeout_ms + MARGIN_MS;
        if self.sweep_age_ms < least {
            bail!(
                "SWEEP_AGE_MS is {}, and a request may take {} ms: set it to {least} or more",
                self.sweep_age_ms,
                self.serving.request_timeout_ms
            );
        }
        Ok(())
    }

    pub fn cancellation_window(&self) -> Duration {
        Duration::from_millis(self.cancellation_window_ms)
    }

    pub fn sweep_age(&self) -> Duration {
        Duration::from_millis(self.sweep_age_ms)
    }
}

//! The monolith's settings, from flags or environment variables.

use std::time::Duration;

use anyhow::bail;
use chassis::config::{Database, Serving, TokenKey, TokenSigning};
use clap::Parser;

use crate::admission::Admission;

/// The shop as a monolith.
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

    /// URL of the payment provider, such as `http://127.0.0.1:9400`.
    #[arg(long, env = "PAYMENT_PROVIDER_URL")]
    pub payment_provider_url: String,

    /// How long a confirmed order can still be cancelled, in milliseconds. At most 15 minutes, as
    /// for the services, whose limit is a quota of SQS.
    #[arg(long, env = "CANCELLATION_WINDOW_MS", default_value_t = 60_000,
          value_parser = clap::value_parser!(u64).range(..=900_000))]
    pub cancellation_window_ms: u64,

    /// Age at which an authorization without an order is voided, in milliseconds. It must exceed
    /// the request timeout by 5 s; otherwise slow orders lose their payment and fail.
    #[arg(long, env = "SWEEP_AGE_MS", default_value_t = 60_000)]
    pub sweep_age_ms: u64,

    /// Orders that may be placed at a time, per connection of the pool. Orders above this limit get
    /// a 503 before the provider is called.
    #[arg(long, env = "ORDERS_PER_CONNECTION", default_value_t = ORDERS_PER_CONNECTION,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub orders_per_connection: u32,
}

/// An order uses a connection for about 8 ms on two busy cores, so the last of 64 waits for half a
/// second: short bursts succeed, and no authorized order reaches the pool's timeout of 3 s. While
/// the provider takes half a second, 64 orders keep a connection busy.
const ORDERS_PER_CONNECTION: u32 = 64;

/// How long a commit may take after its request has timed out, with a reserve.
const MARGIN_MS: u64 = 5_000;

impl Settings {
    /// Checks settings that depend on each other.
    ///
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

    pub fn admission(&self) -> Admission {
        Admission::new(self.database.database_pool_size, self.orders_per_connection)
    }

    pub fn cancellation_window(&self) -> Duration {
        Duration::from_millis(self.cancellation_window_ms)
    }

    pub fn sweep_age(&self) -> Duration {
        Duration::from_millis(self.sweep_age_ms)
    }
}

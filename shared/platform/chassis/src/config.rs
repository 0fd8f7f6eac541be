//! Settings that processes share: command-line flags, each with an environment variable.
//!
//! A process flattens those it needs into its own settings:
//!
//! ```ignore
//! #[derive(clap::Parser)]
//! struct Settings {
//!     #[command(flatten)]
//!     serving: config::Serving,
//!     #[command(flatten)]
//!     database: config::Database,
//! }
//! ```

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

/// The HTTP listeners of a process and their limits.
#[derive(Args, Clone, Debug)]
pub struct Serving {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8080")]
    pub listen_addr: SocketAddr,

    /// How long a request may take before it is answered with 504, in milliseconds.
    #[arg(long, env = "REQUEST_TIMEOUT_MS", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    pub request_timeout_ms: u64,

    /// The address of a separate listener for `/metrics`, `/readyz` and `/healthz`. Without it they
    /// are served on the public listener.
    #[arg(long, env = "ADMIN_ADDR")]
    pub admin_addr: Option<SocketAddr>,

    /// Maximum open connections. Others are answered with 503. A connection takes 14 KiB, and up to
    /// 40 KiB while its request waits, which the allocator keeps: 80 MiB at the default.
    #[arg(long, env = "CONNECTION_LIMIT", default_value_t = 2048,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub connection_limit: usize,
}

/// A Postgres database.
#[derive(Args, Clone, Debug)]
pub struct Database {
    /// The address, such as `postgres://user:password@127.0.0.1:5432/orders`. It can override the
    /// default timeouts: `?options[lock_timeout]=5s`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,

    /// Maximum connections of this process to the database.
    #[arg(long, env = "DATABASE_POOL_SIZE", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub database_pool_size: u32,
}

/// The key that verifies tokens.
#[derive(Args, Clone, Debug)]
pub struct TokenKey {
    /// The Ed25519 public key that verifies tokens, as PEM.
    #[arg(
        long,
        env = "AUTH_PUBLIC_KEY",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub auth_public_key: Pem,
}

/// The key and the lifetime of issued tokens.
#[derive(Args, Clone, Debug)]
pub struct TokenSigning {
    /// The Ed25519 private key that signs tokens, as PEM
    /// (`openssl genpkey -algorithm ed25519`).
    #[arg(
        long,
        env = "AUTH_PRIVATE_KEY",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub auth_private_key: Pem,

    /// How long a token is valid, in seconds, up to a year.
    #[arg(long, env = "AUTH_TOKEN_LIFE_S", default_value_t = 3600,
          value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub auth_token_life_s: u64,
}

/// A value that is hidden in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A key in PEM. Its line ends may be written as `\n`, as files of environment variables need it.
pub type Pem = Secret;

impl Serving {
    /// Settings with a free port of the loopback interface, for tests and for several services in
    /// one process.
    pub fn on_free_port() -> Serving {
        Serving {
            listen_addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            request_timeout_ms: 10_000,
            admin_addr: None,
            connection_limit: 2048,
        }
    }

    /// The timeout of a request as a duration.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

impl Database {
    /// The database at this address, with the default pool size of 8 connections.
    pub fn new(url: impl Into<String>) -> Database {
        Database {
            database_url: Secret::new(url),
            database_pool_size: 8,
        }
    }
}

impl Secret {
    /// Hides a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself. Never put it into a log or an error.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The PEM with real line ends in place of `\n`.
pub(crate) fn with_newlines(pem: &Pem) -> String {
    pem.expose().replace("\\n", "\n")
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Secret, Infallible> {
        Ok(Secret(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let settings = Database::new("postgres://shop:hunter2@localhost/shop");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}

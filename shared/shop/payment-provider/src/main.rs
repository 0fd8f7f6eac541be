//! The payment provider as a separate process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use payment_provider::{Behaviour, Provider};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A payment provider with adjustable latency and faults.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Port to listen on. 0 selects a free one.
    #[arg(long, env = "PAYMENT_PROVIDER_PORT", default_value_t = 9400)]
    port: u16,

    /// Address to listen on. In a container, 0.0.0.0 makes it reachable from other containers.
    #[arg(long, env = "PAYMENT_PROVIDER_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// Latency that is added to every answer, in milliseconds, 0 to 60,000.
    #[arg(long, env = "PAYMENT_PROVIDER_LATENCY_MS", default_value_t = 0,
          value_parser = clap::value_parser!(u64).range(0..=60_000))]
    latency_ms: u64,

    /// Seed of the random numbers for declines, errors and hangs.
    #[arg(long, env = "PAYMENT_PROVIDER_SEED", default_value_t = 0)]
    seed: u64,

    /// File for the ledger, so that it survives a restart. Without a file it is only in memory.
    #[arg(long, env = "PAYMENT_PROVIDER_LEDGER", value_name = "FILE")]
    ledger: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).init();

    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let address = SocketAddr::new(options.host, options.port);
    let provider = match &options.ledger {
        Some(file) => Provider::start_with_ledger(address, file).await?,
        None => Provider::start(address).await?,
    };
    provider.set_behaviour(Behaviour {
        latency_ms: options.latency_ms,
        seed: Some(options.seed),
        ..Behaviour::default()
    });
    tracing::info!(address = %provider.address(), "listening");

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

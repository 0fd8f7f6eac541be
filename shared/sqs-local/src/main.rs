//! The queue server as a process of its own.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context;
use clap::Parser;
use sqs_local::{Options, SqsLocal};
use tracing::info;
use tracing_subscriber::EnvFilter;

/// SQS on this machine: point any AWS SDK's endpoint at it.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, env = "SQS_LOCAL_PORT", default_value_t = 9324)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Account in queue URLs and ARNs.
    #[arg(long, default_value = "000000000000")]
    account: String,
    /// Region in ARNs.
    #[arg(long, default_value = "us-east-1")]
    region: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).init();

    let args = Args::parse();
    let options = Options {
        account: args.account,
        region: args.region,
    };
    let server = SqsLocal::start_with((args.host, args.port), options)
        .await
        .with_context(|| format!("cannot listen on {}:{}", args.host, args.port))?;
    info!(address = %server.address(), "listening");

    stopped().await
}

/// Returns on SIGTERM or Ctrl-C.
async fn stopped() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

//! The queue server as a process of its own.

mod queues_file;

use std::io::{IsTerminal, stdout};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sqs_local::{Data, Faults, Latency, Options, SqsLocal, SyncMode};
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use tracing_subscriber::EnvFilter;

/// SQS on this machine: point any AWS SDK's endpoint at it.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Port to listen on; 0 chooses a free port.
    #[arg(long, env = "SQS_LOCAL_PORT", default_value_t = 9324)]
    port: u16,
    /// Address to listen on.
    #[arg(long, env = "SQS_LOCAL_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Account in queue URLs and ARNs.
    #[arg(long, default_value = "000000000000")]
    account: String,
    /// Region of requests that are not signed for one.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Queues to create at the start: a JSON file {"name": {"DelaySeconds": "5", ...}, ...}.
    #[arg(long)]
    queues: Option<PathBuf>,
    /// Directory that keeps queues and messages across restarts. Without it they are in memory.
    #[arg(long, env = "SQS_LOCAL_DATA")]
    data: Option<PathBuf>,
    /// When data is written through to the disk. A `kill -9` loses nothing with either; a machine
    /// that stops loses the last second with `interval`.
    #[arg(long, env = "SQS_LOCAL_SYNC", value_enum, default_value_t)]
    sync: SyncMode,
    /// Let a deleted queue's name be used again at once. At Amazon a minute must pass.
    #[arg(long)]
    reuse_names: bool,
    /// Let a receipt handle that is older than the latest receive delete a message of a standard
    /// queue. Amazon documents that it may not.
    #[arg(long)]
    old_receipts_delete: bool,
    /// Time added to each call, as its median and 99th percentile: 12,40 (milliseconds).
    #[arg(long, value_parser = latency)]
    latency: Option<Latency>,
    /// Probability that a standard message is delivered again after its delete.
    #[arg(long, default_value_t = 0.0)]
    duplicates: f64,
    /// Probability that a receive delivers messages at the head of the line last.
    #[arg(long, default_value_t = 0.0)]
    reorder: f64,
    /// Probability that a short poll finds nothing, although messages wait.
    #[arg(long, default_value_t = 0.0)]
    short_poll_miss: f64,
    /// Calls per second; further calls are refused.
    #[arg(long)]
    throttle: Option<f64>,
    /// Probability that a call fails with status 500 or 503.
    #[arg(long, default_value_t = 0.0)]
    errors: f64,
    /// Probability that an entry of a batch call is refused as throttled.
    #[arg(long, default_value_t = 0.0)]
    throttle_entries: f64,
    /// Set SenderFault on throttled entries.
    #[arg(long)]
    blame_sender: bool,
    /// Seed of the generator that draws all faults.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    log.with_ansi(stdout().is_terminal()).init();

    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sqs-local: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    // Before the address is printed: a signal that came first would kill the process.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let faults = Faults {
        latency: args.latency,
        duplicates: args.duplicates,
        reorder: args.reorder,
        short_poll_miss: args.short_poll_miss,
        throttle: args.throttle,
        errors: args.errors,
        throttle_entries: args.throttle_entries,
        blame_sender: args.blame_sender,
        paused: false,
    };
    faults.check().map_err(anyhow::Error::msg)?;
    let data = args.data.map(|directory| Data::open(&directory, args.sync));
    let data = data.transpose()?;
    let options = Options {
        account: args.account,
        region: args.region,
        reuse_names: args.reuse_names,
        old_receipts_delete: args.old_receipts_delete,
        faults,
        seed: args.seed,
        data,
    };
    let server = SqsLocal::start_with((args.host, args.port), options)
        .await
        .with_context(|| format!("cannot listen on {}:{}", args.host, args.port))?;
    if let Some(file) = &args.queues {
        queues_file::create(&server, file)
            .await
            .with_context(|| format!("--queues {}", file.display()))?;
    }
    info!(address = %server.address(), "listening");

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn latency(text: &str) -> anyhow::Result<Latency> {
    let (p50, p99) = text
        .split_once(',')
        .context("give the median and the 99th percentile")?;
    Ok(Latency {
        p50_ms: p50.trim().parse()?,
        p99_ms: p99.trim().parse()?,
    })
}

//! The sandbox as a program, for a service under a debugger or a session with psql.

use std::process::ExitCode;

use clap::Parser;
use sandbox::{Options, PostgresMode, Sandbox, Storage};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Starts Postgres and an SQS endpoint, prints their addresses, and stops them on Ctrl-C.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// A database to create. Repeat the flag for more.
    #[arg(long = "database", value_name = "NAME", default_value = "shop")]
    databases: Vec<String>,

    /// One server for all databases, or one per database.
    #[arg(long, value_enum, default_value_t)]
    postgres: PostgresMode,

    /// Where Postgres stores its data.
    #[arg(long, value_enum, default_value_t)]
    storage: Storage,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let Arguments {
        databases,
        postgres,
        storage,
    } = arguments;
    let options = Options {
        postgres,
        storage,
        ..Options::from_env()
    };
    let sandbox = Sandbox::start(options).await?;
    for name in databases {
        println!("{name} {}", sandbox.database(&name).await?.url);
    }
    println!("SQS_ENDPOINT_URL {}", sandbox.sqs_endpoint());

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

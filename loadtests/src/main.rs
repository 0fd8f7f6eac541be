//! The binary. All code is in the library so that tests can use it.

use std::process::ExitCode;

use clap::Parser;
use harness::deployment::slowdown_proxy;
use loadtests::cli::{Action, Cli, Top};
use loadtests::commands::{compare, faults, idle, results, soak, up};
use tokio_util::sync::CancellationToken;
use tracing::subscriber::NoSubscriber;

#[tokio::main]
async fn main() -> ExitCode {
    if let Some((upstream, burn)) = slowdown_proxy::requested(std::env::args().skip(1)) {
        return exit_code(slowdown_proxy::run(&upstream, burn).await);
    }
    let Top::Compare(cli) = Cli::parse().command;
    // goose brings a logger of its own, and the warnings of our libraries are not for this output.
    // During a fault, a line for each failed request would hide the results.
    let _ = tracing::subscriber::set_global_default(NoSubscriber::new());
    let _ = tracing_log::LogTracer::init();
    let stop = CancellationToken::new();
    let outcome = match listen_for_interrupts(&stop) {
        Err(error) => Err(error.into()),
        Ok(()) => match &cli.action {
            None => compare::compare(&cli.options, &stop).await,
            Some(Action::Faults(options)) => faults::faults(options, &stop).await,
            Some(Action::Soak(options)) => soak::soak(options, &stop).await,
            Some(Action::Report { results: path }) => results::report(path),
            Some(Action::Diff { before, after }) => results::diff(before, after),
            Some(Action::Up(options)) => up::up(options, &stop).await,
            Some(Action::Idle(options)) => idle::idle(options, &stop).await,
        },
    };
    exit_code(outcome)
}

fn exit_code(outcome: anyhow::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("cargo compare: {error:#}");
        ExitCode::FAILURE
    })
}

/// The first Ctrl-C stops gracefully, the second at once. goose would handle Ctrl-C too, but the
/// first handler that is set stays.
fn listen_for_interrupts(stop: &CancellationToken) -> Result<(), ctrlc::Error> {
    let stop = stop.clone();
    ctrlc::set_handler(move || {
        if stop.is_cancelled() {
            std::process::exit(130);
        }
        eprintln!("\nStopping. Press Ctrl-C again to stop at once.");
        stop.cancel();
    })
}

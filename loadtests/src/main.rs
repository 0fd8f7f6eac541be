//! `cargo compare`.

use std::process::ExitCode;

use clap::Parser;
use loadtests::arms::plant;
use loadtests::cli::{Action, Cli, Top};
use loadtests::{compare, idle, report, up};
use tokio_util::sync::CancellationToken;
use tracing::subscriber::NoSubscriber;

#[tokio::main]
async fn main() -> ExitCode {
    if let Some((upstream, burnt)) = plant::requested(std::env::args().skip(1)) {
        return exit_code(plant::door(&upstream, burnt).await);
    }
    let Top::Compare(asked) = Cli::parse().command;
    // goose brings a logger of its own, and our libraries' warnings are not for whoever compares.
    let _ = tracing::subscriber::set_global_default(NoSubscriber::new());
    let stop = CancellationToken::new();
    let outcome = match &asked.action {
        None => match listen_for_interrupts(&stop) {
            Ok(()) => compare::compare(&asked.options, &stop).await,
            Err(error) => Err(error.into()),
        },
        Some(Action::Report { results }) => report::again(results),
        Some(Action::Diff { before, after }) => report::diff(before, after),
        Some(Action::Up(options)) => match listen_for_interrupts(&stop) {
            Ok(()) => up::up(options, &stop).await,
            Err(error) => Err(error.into()),
        },
        Some(Action::Idle(options)) => match listen_for_interrupts(&stop) {
            Ok(()) => idle::idle(options, &stop).await,
            Err(error) => Err(error.into()),
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

/// The first Ctrl-C ends in good order, the second at once. goose would take Ctrl-C for itself
/// alone, but the first to ask for it keeps it.
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

//! Looks at queues and their dead letters, and moves messages back.

use std::process::ExitCode;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use messaging::dead_letters::{self, Redriven, Selection, Unmoved};
use messaging::{Settings, Sqs};
use uuid::Uuid;

/// Looks at queues and their dead letters, and moves messages back.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show every queue and how many messages it holds.
    List,
    /// Show messages without taking them, such as `peek parcels-dlq`.
    Peek {
        queue: String,
        /// Maximum messages.
        #[arg(long, default_value_t = 10)]
        most: usize,
        /// Print one JSON document per message.
        #[arg(long)]
        json: bool,
    },
    /// Move dead letters back to their queue, such as `redrive parcels-dlq`.
    Redrive {
        queue: String,
        /// Move only the message with this id. Repeat the flag for more. Default: all.
        #[arg(long)]
        id: Vec<Uuid>,
        /// Maximum messages per second.
        #[arg(long, default_value_t = 100.0)]
        rate: f64,
    },
    /// Delete all messages of a queue. This cannot be undone.
    Purge {
        queue: String,
        /// Confirm the deletion.
        #[arg(long)]
        yes: bool,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("queues: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let sqs = Sqs::connect(&arguments.settings).await?;
    match arguments.action {
        Action::List => list(&sqs).await,
        Action::Peek { queue, most, json } => peek(&sqs, &queue, most, json).await,
        Action::Redrive { queue, id, rate } => {
            let selection = if id.is_empty() {
                Selection::All
            } else {
                Selection::Ids(id)
            };
            ensure!(rate > 0.0, "--rate is {rate}: choose a number above 0");
            let redriven = dead_letters::redrive(&sqs, &queue, &selection, rate).await?;
            let Redriven {
                moved,
                kept,
                failed,
            } = redriven;
            println!("{moved} moved, {kept} kept, {} failed", failed.len());
            for Unmoved { id, reason } in &failed {
                println!("{id}: {reason}");
            }
            ensure!(failed.is_empty(), "some dead letters could not be moved");
            Ok(())
        }
        Action::Purge { queue, yes } => {
            ensure!(
                yes,
                "this deletes every message in {queue}: add --yes to confirm"
            );
            dead_letters::purge(&sqs, &queue).await?;
            println!("{queue} is empty");
            Ok(())
        }
    }
}

async fn list(sqs: &Sqs) -> anyhow::Result<()> {
    let depths = dead_letters::list(sqs).await?;
    println!(
        "{:<40} {:>9} {:>9} {:>9}",
        "queue", "waiting", "in flight", "delayed"
    );
    for depth in depths {
        let dead_letters::Depth {
            queue,
            waiting,
            in_flight,
            delayed,
        } = depth;
        println!("{queue:<40} {waiting:>9} {in_flight:>9} {delayed:>9}");
    }
    Ok(())
}

async fn peek(sqs: &Sqs, queue: &str, most: usize, json: bool) -> anyhow::Result<()> {
    for letter in dead_letters::peek(sqs, queue, most).await? {
        if json {
            println!("{}", serde_json::to_string(&letter)?);
            continue;
        }
        let age = letter.age.unwrap_or_default().as_secs();
        println!(
            "{} {} {age} s ago",
            letter.id,
            letter.kind.as_deref().unwrap_or("(no kind)")
        );
        println!(
            "  why:  {}",
            letter.reason.as_deref().unwrap_or("not known")
        );
        println!("  body: {}", letter.body);
    }
    Ok(())
}

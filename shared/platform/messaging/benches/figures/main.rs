//! Measures the figures of the runtime against their goals, and a bare loop of the SDK in the same
//! run, on the same server, with the same messages.
//!
//! `cargo bench -p messaging`, or `cargo bench -p messaging -- load` for one part. The server is a
//! process of its own, so that the CPU time shown is the client's.

mod bare;
mod commit;
mod far;
mod letters;
mod load;
mod system;

use messaging::{Provision, QueueSpec, Settings, Sqs, Transport};
use tokio::runtime::Builder;

use crate::system::Server;

/// A measured figure and its goal.
pub(crate) struct Figure {
    what: String,
    measured: f64,
    unit: &'static str,
    goal: Goal,
}

pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    fn print(&self) {
        let (words, limit, reached) = match self.goal {
            Goal::AtLeast(limit) => ("at least", limit, self.measured >= limit),
            Goal::AtMost(limit) => ("at most", limit, self.measured <= limit),
        };
        let Figure {
            what,
            measured,
            unit,
            ..
        } = self;
        let verdict = if reached { "reached" } else { "MISSED" };
        let digits = if *measured < 10.0 { 2 } else { 0 };
        println!("{what:<52} {measured:>8.digits$} {unit:<11} {words} {limit:>6} {verdict:>8}");
    }
}

fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == "serve") {
        return system::serve();
    }
    let parts: Vec<_> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let is_selected =
        |part: &str| parts.is_empty() || parts.iter().any(|selected| selected == part);
    let server = Server::start()?;
    let mut figures = vec![];
    // First one thread, because the goal for CPU time is per core; then all, as services use them.
    let one = Builder::new_current_thread().enable_all().build()?;
    one.block_on(async {
        let sqs = connect(&server).await?;
        if is_selected("load") {
            figures.extend(load::measure(&server, &sqs, "one thread").await?);
        }
        if is_selected("far") {
            figures.extend(far::measure(&server, &sqs).await?);
        }
        anyhow::Ok(())
    })?;
    let all = Builder::new_multi_thread().enable_all().build()?;
    all.block_on(async {
        let sqs = connect(&server).await?;
        if is_selected("load") {
            figures.extend(load::measure(&server, &sqs, "all threads").await?);
        }
        if is_selected("commit") {
            figures.extend(commit::measure(&server).await?);
        }
        anyhow::Ok(())
    })?;
    println!();
    figures.iter().for_each(Figure::print);
    Ok(())
}

async fn connect(server: &Server) -> anyhow::Result<Sqs> {
    let sqs = Sqs::connect(&Settings::endpoint(server.endpoint())).await?;
    let letters = QueueSpec::new("letters");
    let transport = Transport::from(sqs.clone());
    transport.ensure(&letters, Provision::Create).await?;
    Ok(sqs)
}

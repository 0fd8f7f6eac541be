//! The figures that the runtime is held to, each beside what was asked; and a bare loop of the SDK
//! in the same run, on the same server, with the same messages.
//!
//! `cargo bench -p messaging`, or `cargo bench -p messaging -- load` for one part. The server is a
//! process of its own, so that the CPU time shown is the client's.

mod commit;
mod far;
mod letters;
mod load;
mod system;

use messaging::{Provision, QueueSpec, Settings, Sqs, Transport};

use crate::system::Server;

/// What was measured, and what was asked.
pub(crate) struct Figure {
    what: &'static str,
    measured: f64,
    unit: &'static str,
    asked: Asked,
}

pub(crate) enum Asked {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    fn print(&self) {
        let (words, limit, reached) = match self.asked {
            Asked::AtLeast(limit) => ("at least", limit, self.measured >= limit),
            Asked::AtMost(limit) => ("at most", limit, self.measured <= limit),
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
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    // One thread, as the figure is one core's; the server has the others.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = Server::start()?;
        let mut figures = vec![];
        let sqs = Sqs::connect(&Settings::endpoint(server.endpoint())).await?;
        let letters = QueueSpec::new("letters");
        Transport::from(sqs.clone())
            .ensure(&letters, Provision::Create)
            .await?;
        if wanted("load") {
            figures.extend(load::measure(&server, &sqs).await?);
        }
        if wanted("far") {
            figures.extend(far::measure(&server, &sqs).await?);
        }
        if wanted("commit") {
            figures.extend(commit::measure(&server).await?);
        }
        println!();
        figures.iter().for_each(Figure::print);
        anyhow::Ok(())
    })
}

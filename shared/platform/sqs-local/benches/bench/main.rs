//! The benchmark `cargo bench -p sqs-local`: memory, rates and CPU over HTTP, wake-up times, idle
//! CPU, the cost of an operation as the queue grows, and the rates of a server that keeps its
//! messages (`-- kept` measures only those). CPU and memory are read from /proc, so they need
//! Linux.
//!
//! The server runs in this process on threads of its own, so that its CPU time is separate from the
//! client's. `SQS_ENDPOINT=127.0.0.1:PORT` measures the rates of another server with the same
//! client.

mod client;
mod growth;
mod load;
mod proc;
mod waiting;

use std::net::SocketAddr;
use std::path::Path;

use sqs_local::{Data, Options, SqsLocal, SyncMode};
use tokio::runtime::{Builder, Runtime};

/// Recorded on a shared machine with two cores, in messages per second and microseconds of CPU.
const BASELINE: &str = include_str!("baseline.txt");

fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == "kept") {
        return measure_kept();
    }
    growth::memory();
    let (server_threads, client_threads) = (threads("server")?, threads("client")?);
    let server = server_threads.block_on(SqsLocal::start(("127.0.0.1", 0)))?;
    let address: SocketAddr = match std::env::var("SQS_ENDPOINT") {
        Ok(address) => address.parse()?,
        Err(_) => server.address(),
    };

    client_threads.block_on(async {
        load::measure(address).await?;
        waiting::measure(address).await
    })?;
    drop(server);
    growth::measure();
    measure_kept()?;
    println!("\nrecorded baseline:\n{BASELINE}");
    Ok(())
}

/// The rates with `--data`, with each `--sync`.
fn measure_kept() -> anyhow::Result<()> {
    let (server_threads, client_threads) = (threads("server")?, threads("client")?);
    for (sync, title) in [
        (SyncMode::Interval, "--data, --sync interval"),
        (SyncMode::Always, "--data, --sync always"),
    ] {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-data");
        let _ = std::fs::remove_dir_all(&directory);
        let options = Options {
            data: Some(Data::open(&directory, sync)?),
            ..Options::default()
        };
        let server = SqsLocal::start_with(("127.0.0.1", 0), options);
        let server = server_threads.block_on(server)?;
        client_threads.block_on(load::measure_kept(server.address(), title))?;
    }
    Ok(())
}

fn threads(name: &str) -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
}

//! The benchmark `cargo bench -p sqs-local`: memory, rates and CPU over HTTP, wake-up times, idle
//! CPU, and the cost of an operation as the queue grows. CPU and memory are read from /proc, so
//! they need Linux.
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

use sqs_local::SqsLocal;
use tokio::runtime::{Builder, Runtime};

/// Recorded on a shared machine with two cores, in messages per second and microseconds of CPU.
const BASELINE: &str = include_str!("baseline.txt");

fn main() -> anyhow::Result<()> {
    growth::memory();
    let threads = |name: &str| -> std::io::Result<Runtime> {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(name)
            .enable_all()
            .build()
    };
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
    println!("\nrecorded baseline:\n{BASELINE}");
    Ok(())
}

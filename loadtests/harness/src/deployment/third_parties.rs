//! The third parties: the payment provider and the queue server, each a process that belongs to no
//! arm.

use std::path::Path;

use super::binaries::Binaries;
use super::process::{EnvVars, Process};
use crate::audit::{Ledger, QueueServer};

/// A payment provider that this program started.
#[derive(Debug)]
pub struct PaymentProvider {
    pub process: Process,
    pub ledger: Ledger,
}

impl PaymentProvider {
    pub async fn start(
        binaries: &Binaries,
        logs: &Path,
        port: u16,
        latency_ms: u64,
        seed: u64,
    ) -> anyhow::Result<PaymentProvider> {
        let program = binaries.path("payment-provider")?;
        let [port, latency, seed] = [port.into(), latency_ms, seed].map(|one| one.to_string());
        let arguments = ["--port", &port, "--latency-ms", &latency, "--seed", &seed];
        let process = Process::start(
            "payment-provider",
            program,
            &arguments,
            &EnvVars::new(),
            logs,
        )
        .await?;
        let ledger = Ledger::at(&process.url);
        Ok(PaymentProvider { process, ledger })
    }
}

/// A queue server that this program started.
#[derive(Debug)]
pub struct Queues {
    pub process: Process,
    pub server: QueueServer,
}

impl Queues {
    pub async fn start(
        binaries: &Binaries,
        logs: &Path,
        port: u16,
        arguments: &[&str],
    ) -> anyhow::Result<Queues> {
        let program = binaries.path("sqs-local")?;
        let port = port.to_string();
        let arguments = [&["--port", &port], arguments].concat();
        let process =
            Process::start("sqs-local", program, &arguments, &EnvVars::new(), logs).await?;
        let server = QueueServer::at(&process.url);
        Ok(Queues { process, server })
    }
}

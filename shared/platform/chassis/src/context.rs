//! The context of a service: readiness checks, background tasks and the shutdown token.

use std::future::ready;
use std::time::Duration;

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use crate::error_line::error_line;
use crate::health::Readiness;
use crate::telemetry;

/// How long background tasks may take to end after shutdown. Each task has its own limit, such as
/// 30 s for a queue consumer by default; this one covers a task that ignores the shutdown.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(40);

/// The handle to its process that a service gets when it starts.
#[derive(Clone)]
pub struct Context {
    name: &'static str,
    readiness: Readiness,
    shutdown: CancellationToken,
    failed: CancellationToken,
    background: TaskTracker,
}

impl Context {
    pub(crate) fn new(name: &'static str, shutdown: CancellationToken) -> Context {
        Context {
            name,
            readiness: Readiness::default(),
            shutdown,
            failed: CancellationToken::new(),
            background: TaskTracker::new(),
        }
    }

    pub(crate) fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// The name of the service in logs, metrics and database connections.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The token that is cancelled on shutdown.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Adds a readiness check: `/readyz` answers 200 only while every check returns true. A check
    /// that takes longer than 1 s counts as failed.
    pub fn ready_when<F, Fut>(&self, name: &'static str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.readiness.add(name, check);
    }

    /// Runs a background task. The task has to end when [`Context::shutdown`] is cancelled. If it
    /// fails or panics, the whole service stops and logs the reason.
    pub fn background<Fut, T, E>(&self, task: &'static str, work: Fut)
    where
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        let (failed, shutdown) = (self.failed.clone(), self.shutdown.clone());
        let work = tokio::spawn(work);
        let service = self.name;
        self.background.spawn(async move {
            let outcome = match work.await {
                Ok(outcome) => outcome.map(drop).map_err(Into::into),
                Err(panic) => Err(anyhow!(panic)),
            };
            if let Err(error) = outcome {
                error!(
                    service,
                    task,
                    error = error_line(&error),
                    "a background task failed: stopping the service"
                );
                failed.cancel();
                shutdown.cancel();
            }
        });
    }

    /// Runs a background task that readiness depends on: `/readyz` answers 200 only while
    /// `problems` returns none, and otherwise names each.
    pub fn supervise<Fut, T, E>(
        &self,
        name: &'static str,
        problems: impl Fn() -> Vec<String> + Send + Sync + 'static,
        work: Fut,
    ) where
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        self.readiness.add_problems(name, move || ready(problems()));
        self.background(name, work);
    }

    /// Sorts the samples of histograms into their buckets every 5 s. Without this the recorder
    /// keeps each sample in memory until the next scrape.
    pub(crate) fn maintain_metrics(&self) {
        let metrics = telemetry::metrics();
        let shutdown = self.shutdown();
        self.background("metrics", async move {
            let upkeep = async {
                loop {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    metrics.run_upkeep();
                }
            };
            shutdown.run_until_cancelled(upkeep).await;
            anyhow::Ok(())
        });
    }

    /// Waits until all background tasks have ended.
    ///
    /// # Errors
    /// When one of them failed.
    pub(crate) async fn join_background(self) -> anyhow::Result<()> {
        self.background.close();
        if tokio::time::timeout(BACKGROUND_TIMEOUT, self.background.wait())
            .await
            .is_err()
        {
            warn!(service = self.name, "background tasks did not end in time");
        }
        match self.failed.is_cancelled() {
            true => Err(anyhow!("a background task failed; the log says which")),
            false => Ok(()),
        }
    }
}

//! What a service can do while it starts: depend on things, and run work beside the server.

use std::future::ready;
use std::time::Duration;

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use crate::health::Readiness;
use crate::process::one_line;
use crate::telemetry;

/// How long work in the background may take to end. What it is allowed is its own affair, such as
/// the 30 s of a consumer of queues by default; this is for what forgot to stop.
const BACKGROUND_GRACE: Duration = Duration::from_secs(40);

/// What a service is handed while it starts.
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

    /// What the service is called in logs, metrics and connections.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Cancelled when it is time to stop.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// `/readyz` answers 200 only while this holds. A check that takes over a second failed.
    pub fn ready_when<F, Fut>(&self, name: &'static str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.readiness.add(name, check);
    }

    /// Runs something beside the server. It ends by itself when [`Context::shutdown`] is
    /// cancelled; if it fails or panics, the whole service stops, and says why.
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
                    error = one_line(&error),
                    "stopping: a task failed"
                );
                failed.cancel();
                shutdown.cancel();
            }
        });
    }

    /// Runs something in the background that readiness depends on: it is ready when it has no
    /// troubles, and `/readyz` names those that it has.
    pub fn attend<Fut, T, E>(
        &self,
        name: &'static str,
        troubles: impl Fn() -> Vec<String> + Send + Sync + 'static,
        work: Fut,
    ) where
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        let find_troubles = move || ready(troubles());
        self.readiness.add_troubles(name, find_troubles);
        self.background(name, work);
    }

    /// Prometheus's histograms collect samples until somebody sorts them in.
    pub(crate) fn keep_metrics(&self) {
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

    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        self.background.close();
        if tokio::time::timeout(BACKGROUND_GRACE, self.background.wait())
            .await
            .is_err()
        {
            warn!(service = self.name, "gave up on background work");
        }
        match self.failed.is_cancelled() {
            true => Err(anyhow!("a background task failed; the log says which")),
            false => Ok(()),
        }
    }
}

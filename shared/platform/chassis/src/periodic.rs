//! Periodic work on overdue rows, in the background.

use std::convert::Infallible;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use metrics::counter;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::Context;

/// The longest average interval between two calls. Jitter makes it 5 to 15 s.
const MAX_INTERVAL: Duration = Duration::from_secs(10);

/// Handles one batch. Boxed, so that the loop around it is compiled in this crate.
type HandleBatch = Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<usize>> + Send + Sync>;

impl Context {
    /// Calls `handle_batch` periodically until [`Context::shutdown`]: on average every quarter of
    /// `age`, limited to 10 ms to 10 s, with jitter. It handles up to one batch of rows that are
    /// older than `age`, and returns their number; while that is not 0, it is called again at once.
    /// Any number of replicas may run it, if it skips rows that another one has locked.
    ///
    /// The metric `overdue_total` counts the handled rows, with `task` as label. A failed call is
    /// logged, and the next one retries.
    pub fn handle_overdue<F, Fut, E>(&self, task: &'static str, age: Duration, handle_batch: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<usize, E>> + Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        let handle_batch: HandleBatch = Box::new(move || {
            let handling = handle_batch();
            async move { handling.await.map_err(Into::into) }.boxed()
        });
        let interval = (age / 4).clamp(Duration::from_millis(10), MAX_INTERVAL);
        self.background(task, run(task, interval, handle_batch, self.shutdown()));
    }
}

async fn run(
    task: &'static str,
    interval: Duration,
    handle_batch: HandleBatch,
    shutdown: CancellationToken,
) -> Result<(), Infallible> {
    let mut fails = false;
    loop {
        // Random, so that replicas that started together do not call together.
        let pause = interval.mul_f64(0.5 + rand::random::<f64>());
        let handled = async {
            tokio::time::sleep(pause).await;
            handle_all(task, &handle_batch).await
        };
        match shutdown.run_until_cancelled(handled).await {
            None => return Ok(()),
            Some(Ok(())) => fails = false,
            Some(Err(_)) if fails => {}
            Some(Err(error)) => {
                fails = true;
                let error = format!("{error:#}");
                warn!(task, error, "could not handle overdue rows: trying again");
            }
        }
    }
}

async fn handle_all(task: &'static str, handle_batch: &HandleBatch) -> anyhow::Result<()> {
    loop {
        match handle_batch().await? {
            0 => return Ok(()),
            count => {
                counter!("overdue_total", "task" => task).increment(count as u64);
                info!(task, count, "handled overdue rows");
            }
        }
    }
}

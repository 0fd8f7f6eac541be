//! Looking after rows now and then, beside the server.

use std::convert::Infallible;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use metrics::counter;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::Context;

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// One look, boxed so that the loop around it is compiled in this crate.
type Look = Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<usize>> + Send + Sync>;

impl Context {
    /// Calls `look` again and again until [`Context::shutdown`]: a quarter of `age` apart, and at
    /// most 10 s. It handles up to a batch of what is older than `age`, and returns how many; as
    /// long as that is not 0, it is called again at once. Any number of replicas may look, if
    /// `look` skips the rows that another one holds.
    ///
    /// What was handled is counted by `overdue_total`, with the `task` as its label. A look that
    /// fails is logged, and the next one tries again.
    pub fn look_after<F, Fut, E>(&self, task: &'static str, age: Duration, look: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<usize, E>> + Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        let look: Look = Box::new(move || {
            let looking = look();
            async move { looking.await.map_err(Into::into) }.boxed()
        });
        let pause = (age / 4).clamp(Duration::from_millis(10), LONGEST_PAUSE);
        self.background(task, look_after(task, pause, look, self.shutdown()));
    }
}

async fn look_after(
    task: &'static str,
    pause: Duration,
    look: Look,
    shutdown: CancellationToken,
) -> Result<(), Infallible> {
    let mut fails = false;
    loop {
        // By chance, so that replicas which started together do not look together.
        let pause = pause.mul_f64(0.5 + rand::random::<f64>());
        let looked = async {
            tokio::time::sleep(pause).await;
            all(task, &look).await
        };
        match shutdown.run_until_cancelled(looked).await {
            None => return Ok(()),
            Some(Ok(())) => fails = false,
            Some(Err(_)) if fails => {}
            Some(Err(error)) => {
                fails = true;
                let error = format!("{error:#}");
                warn!(task, error, "left what is overdue to the next looks");
            }
        }
    }
}

async fn all(task: &'static str, look: &Look) -> anyhow::Result<()> {
    loop {
        match look().await? {
            0 => return Ok(()),
            count => {
                counter!("overdue_total", "task" => task).increment(count as u64);
                info!(task, count, "handled what was overdue");
            }
        }
    }
}

//! How a process starts, runs and ends.

use std::future::ready;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::{Router, middleware};
use clap::Parser;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::config::Serving;
use crate::health::{self, Readiness};
use crate::request::{App, name_route};
use crate::serve::serve;
use crate::{Problem, shutdown, telemetry};

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

/// A service that is up. It stops when this is dropped.
pub struct Running {
    address: SocketAddr,
    ended: JoinHandle<anyhow::Result<()>>,
    stop: DropGuard,
}

/// What [`run`] and [`launch`] are given, as this crate keeps it: what they await is compiled here
/// once, and not in each service.
type Start<'a> = Box<dyn FnOnce(Context) -> LocalBoxFuture<'a, anyhow::Result<Router>> + 'a>;

/// The whole of a `main`: reads the settings from flags and the environment, and serves what
/// `start` returns until SIGTERM or Ctrl-C, on a runtime with a thread for each core.
///
/// When something fails, one line on standard error says what, and the exit code is 1.
pub fn run<S, F, Fut>(name: &'static str, serving: fn(&S) -> &Serving, start: F) -> ExitCode
where
    S: Parser + 'static,
    F: FnOnce(S, Context) -> Fut + 'static,
    Fut: Future<Output = anyhow::Result<Router>> + 'static,
{
    let settings = S::parse();
    let serving = serving(&settings).clone();
    let start = Box::new(|context| start(settings, context).boxed_local());
    on_a_runtime(name, serving, start)
}

#[tokio::main]
async fn on_a_runtime(name: &'static str, serving: Serving, start: Start<'_>) -> ExitCode {
    let exporter = telemetry::init(name);
    let outcome = async {
        let stop = shutdown::on_signal().context("cannot listen for signals")?;
        // A signal counts while the process starts, too.
        tokio::select! {
            running = begin(name, serving, stop.clone(), start) => running?.ended().await,
            () = stop.cancelled() => Ok(()),
        }
    };
    let outcome = outcome.await;
    if let Some(exporter) = exporter {
        exporter.flush().await;
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// Starts a service inside this process, and returns once it is listening.
///
/// # Errors
/// When the address is taken, or `start` fails.
pub fn launch<'a, F, Fut>(
    name: &'static str,
    serving: Serving,
    shutdown: CancellationToken,
    start: F,
) -> LocalBoxFuture<'a, anyhow::Result<Running>>
where
    F: FnOnce(Context) -> Fut + 'a,
    Fut: Future<Output = anyhow::Result<Router>> + 'a,
{
    begin(
        name,
        serving,
        shutdown,
        Box::new(|context| start(context).boxed_local()),
    )
}

fn begin<'a>(
    name: &'static str,
    serving: Serving,
    shutdown: CancellationToken,
    start: Start<'a>,
) -> LocalBoxFuture<'a, anyhow::Result<Running>> {
    let beginning = async move {
        let shutdown = shutdown.child_token();
        let stop = shutdown.clone().drop_guard();
        let context = Context {
            name,
            readiness: Readiness::default(),
            shutdown: shutdown.clone(),
            failed: CancellationToken::new(),
            background: TaskTracker::new(),
        };

        let asked = serving.listen_addr;
        let listener = TcpListener::bind(asked).await.with_context(|| {
            format!("cannot listen on {asked}: choose another address with LISTEN_ADDR")
        })?;
        let address = listener.local_addr()?;
        let app = App {
            name,
            router: complete(start(context.clone()).await?, &context),
            timeout: serving.request_timeout(),
        };
        context.keep_metrics();
        info!(service = name, %address, "listening");

        let ended = tokio::spawn(async move {
            serve(listener, app, shutdown).await;
            context.finish().await
        });
        Ok(Running {
            address,
            ended,
            stop,
        })
    };
    beginning.boxed_local()
}

/// The error and its causes. Many errors quote their cause, and nothing need be said twice.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.ends_with(&cause) {
            let separator = if line.is_empty() { "" } else { ": " };
            line = format!("{line}{separator}{cause}");
        }
    }
    line.replace('\n', " ")
}

/// The service's routes, with what every process serves beside them.
fn complete(routes: Router, context: &Context) -> Router {
    Router::new()
        .merge(health::routes(context.readiness.clone()))
        .merge(routes)
        .route_layer(middleware::from_fn(name_route))
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found("there is nothing at this path") })
}

impl Context {
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
    fn keep_metrics(&self) {
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

    async fn finish(self) -> anyhow::Result<()> {
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

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Such as `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the service has ended by itself or by its shutdown token.
    pub async fn ended(self) -> anyhow::Result<()> {
        self.ended.await?
    }

    /// Stops the service and waits until open requests are answered.
    pub async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.ended.await?
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_quoted_cause_is_said_once() {
        let check = |error: anyhow::Error, expected: &str| assert_eq!(one_line(&error), expected);
        check(anyhow!("cause"), "cause");
        check(anyhow!("cause").context("error"), "error: cause");
        check(anyhow!("cause").context("error: cause"), "error: cause");
        check(anyhow!("two\nlines").context("error"), "error: two lines");
    }
}

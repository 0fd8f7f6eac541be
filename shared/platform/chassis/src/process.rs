//! How a process starts, runs and ends.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use axum::{Router, middleware};
use clap::Parser;
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, OptionFuture};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::info;

use crate::config::Serving;
use crate::context::Context;
use crate::health;
use crate::request::{App, name_route};
use crate::serve::serve;
use crate::{Problem, shutdown, telemetry};

/// Connections to the listener of `/metrics` and `/readyz`: of a collector and an orchestrator.
const ADMIN_CONNECTIONS: usize = 64;

/// A service that is up. It stops when this is dropped.
pub struct Running {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
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
        let context = Context::new(name, shutdown.clone());

        let listener = listen(serving.listen_addr, "LISTEN_ADDR").await?;
        let address = listener.local_addr()?;
        let admin = match serving.admin_addr {
            Some(wanted) => Some(listen(wanted, "ADMIN_ADDR").await?),
            None => None,
        };
        let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;

        let routes = start(context.clone()).await?;
        let health = health::routes(context.readiness());
        let app = |routes| App {
            name,
            router: complete(routes),
            timeout: serving.request_timeout(),
        };
        let (app, admin) = match admin {
            Some(listener) => (app(routes), Some((listener, app(health)))),
            None => (app(health.merge(routes)), None),
        };
        context.keep_metrics();
        info!(service = name, %address, "listening");

        let limit = serving.connection_limit;
        let ended = tokio::spawn(async move {
            let admin = admin
                .map(|(listener, app)| serve(listener, app, ADMIN_CONNECTIONS, shutdown.clone()));
            tokio::join!(
                serve(listener, app, limit, shutdown),
                OptionFuture::from(admin)
            );
            context.finish().await
        });
        Ok(Running {
            address,
            admin_address,
            ended,
            stop,
        })
    };
    beginning.boxed_local()
}

async fn listen(wanted: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(wanted).await.with_context(|| {
        format!("cannot listen on {wanted}: choose another address with {setting}")
    })
}

/// The error and its causes. Many errors quote their cause, and nothing need be said twice.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.ends_with(&cause) {
            let separator = if line.is_empty() { "" } else { ": " };
            line = format!("{line}{separator}{cause}");
        }
    }
    line.replace('\n', " ")
}

/// The routes, with an answer for all that is not among them.
fn complete(routes: Router) -> Router {
    // Axum lays nothing around no route.
    let routes = match routes.has_routes() {
        true => routes.route_layer(middleware::from_fn(name_route)),
        false => routes,
    };
    routes
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found("there is nothing at this path") })
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` and `/readyz` are, if it is a listener of their own.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
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

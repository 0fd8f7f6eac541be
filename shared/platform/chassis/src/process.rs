//! The life of a process: start, run, stop.

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
use crate::error_line::error_line;
use crate::health;
use crate::request::{App, name_route};
use crate::serve::serve;
use crate::{Problem, shutdown, telemetry};

/// Maximum connections to the admin listener. Its clients are a metrics collector and an
/// orchestrator, with a few connections each.
const ADMIN_CONNECTIONS: usize = 64;

/// A running service. It stops when this is dropped.
pub struct Running {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    ended: JoinHandle<anyhow::Result<()>>,
    stop: DropGuard,
}

/// The `start` function of [`run`] and [`launch`], boxed. So the code that awaits it is compiled
/// once in this crate, and not in each service.
type Start<'a> = Box<dyn FnOnce(Context) -> LocalBoxFuture<'a, anyhow::Result<Router>> + 'a>;

/// Runs a service, as the whole of a `main`: reads the settings from flags and the environment, and
/// serves the routes that `start` returns until SIGTERM or Ctrl-C. The runtime has one thread per
/// core.
///
/// On a failure it prints one line to standard error and returns exit code 1.
pub fn run<S, F, Fut>(name: &'static str, serving: fn(&S) -> &Serving, start: F) -> ExitCode
where
    S: Parser + 'static,
    F: FnOnce(S, Context) -> Fut + 'static,
    Fut: Future<Output = anyhow::Result<Router>> + 'static,
{
    let settings = S::parse();
    let serving = serving(&settings).clone();
    let start = Box::new(|context| start(settings, context).boxed_local());
    block_on(name, serving, start)
}

#[tokio::main]
async fn block_on(name: &'static str, serving: Serving, start: Start<'_>) -> ExitCode {
    let exporter = telemetry::init(name);
    let outcome = async {
        let stop = shutdown::on_signal().context("cannot listen for signals")?;
        // A signal also ends the process while it starts.
        tokio::select! {
            running = start_service(name, serving, stop.clone(), start) => running?.ended().await,
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
            eprintln!("{name}: {}", error_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// Starts a service inside this process, and returns once it listens.
///
/// # Errors
/// When an address is taken, or `start` fails.
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
    start_service(
        name,
        serving,
        shutdown,
        Box::new(|context| start(context).boxed_local()),
    )
}

fn start_service<'a>(
    name: &'static str,
    serving: Serving,
    shutdown: CancellationToken,
    start: Start<'a>,
) -> LocalBoxFuture<'a, anyhow::Result<Running>> {
    let starting = async move {
        let shutdown = shutdown.child_token();
        let stop = shutdown.clone().drop_guard();
        let context = Context::new(name, shutdown.clone());

        let listener = listen(serving.listen_addr, "LISTEN_ADDR").await?;
        let address = listener.local_addr()?;
        let admin = match serving.admin_addr {
            Some(address) => Some(listen(address, "ADMIN_ADDR").await?),
            None => None,
        };
        let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;

        let routes = start(context.clone()).await?;
        let health = health::routes(context.readiness());
        let app = |routes| App {
            name,
            router: with_fallbacks(routes),
            timeout: serving.request_timeout(),
        };
        let (app, admin) = match admin {
            Some(listener) => (app(routes), Some((listener, app(health)))),
            None => (app(health.merge(routes)), None),
        };
        context.maintain_metrics();
        info!(service = name, %address, "listening");

        let limit = serving.connection_limit;
        let ended = tokio::spawn(async move {
            let admin = admin
                .map(|(listener, app)| serve(listener, app, ADMIN_CONNECTIONS, shutdown.clone()));
            tokio::join!(
                serve(listener, app, limit, shutdown),
                OptionFuture::from(admin)
            );
            context.join_background().await
        });
        Ok(Running {
            address,
            admin_address,
            ended,
            stop,
        })
    };
    starting.boxed_local()
}

async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another address with {setting}")
    })
}

/// The routes, with a 404 for every other path and a 405 for every other method.
fn with_fallbacks(routes: Router) -> Router {
    // axum panics on `route_layer` without a route.
    let routes = match routes.has_routes() {
        true => routes.route_layer(middleware::from_fn(name_route)),
        false => routes,
    };
    routes
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found("there is nothing at this path") })
}

impl Running {
    /// The address of the public listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the admin listener for `/metrics`, `/readyz` and `/healthz`, if it has one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// The public address as a URL, such as `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the service has ended by its shutdown token or by a failure.
    ///
    /// # Errors
    /// When a background task failed, or the server task panicked.
    pub async fn ended(self) -> anyhow::Result<()> {
        self.ended.await?
    }

    /// Stops the service and waits until open requests are answered, for up to 10 s, and background
    /// tasks have ended, for up to 40 s.
    ///
    /// # Errors
    /// When a background task failed, or the server task panicked.
    pub async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.ended.await?
    }
}

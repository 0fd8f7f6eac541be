//! The entry to all services: it routes each request by its path, and checks its token.
//!
//! Invariants:
//! - a request for orders is forwarded only with a valid token, which is checked here, without a
//!   call to another service;
//! - a request counts towards the concurrency limit when its body has arrived; slow bodies have a
//!   small limit of their own, and are streamed;
//! - a service that is down or slow gives a 502 or a 504, and never a growing queue: a request
//!   above the limit is refused at once, and a flood of one kind does not affect the other kinds;
//! - a replica that is down or hangs fails a few requests only: the others answer instead.
//!
//! The gateway knows paths and no bodies, and it keeps no state.

mod body;
mod forward;
mod headers;
mod limits;
mod upstream;

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::response::Response;
use axum::routing::any;
use chassis::auth::{Bearer, TokenVerifier};
use chassis::{Context, Problem, config, openapi};
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use contracts::http::TOKEN_ISSUER;
use forward::Forwarder;
use limits::Kind;
pub use upstream::Upstream;

/// The gateway: the entry to all services.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub struct Settings {
    #[command(flatten)]
    pub serving: config::Serving,
    #[command(flatten)]
    pub token_key: config::TokenKey,

    /// URL of the auth service, such as `http://127.0.0.1:8081`. Several URLs, separated by commas,
    /// are replicas that share the load.
    #[arg(long, env = "AUTH_SERVICE_URL")]
    pub auth_service_url: Upstream,

    /// URL of the order service, or several URLs, as above.
    #[arg(long, env = "ORDER_SERVICE_URL")]
    pub order_service_url: Upstream,

    /// Requests of one kind that may wait for the services at a time. The kinds are accounts, reads
    /// and writes. Requests above this limit get a 503.
    #[arg(long, env = "CONCURRENCY_LIMIT", default_value_t = 512,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub concurrency_limit: usize,
}

#[derive(Clone, FromRef)]
struct Gateway {
    tokens: TokenVerifier,
    #[from_ref(skip)]
    services: Arc<Services>,
}

struct Services {
    auth: Upstream,
    order: Upstream,
    forwarder: Forwarder,
}

/// Runs the process.
pub fn main() -> ExitCode {
    chassis::run("gateway", |all: &Settings| &all.serving, start)
}

/// Returns the routes. The gateway is ready at once: a service that is down must not make the
/// others unreachable.
///
/// # Errors
/// When the token key is invalid.
pub async fn start(settings: Settings, _: Context) -> anyhow::Result<Router> {
    let services = Services {
        auth: settings.auth_service_url,
        order: settings.order_service_url,
        forwarder: Forwarder::new(
            settings.concurrency_limit,
            settings.serving.request_timeout(),
        ),
    };
    let gateway = Gateway {
        tokens: TokenVerifier::new(&settings.token_key, TOKEN_ISSUER)?,
        services: Arc::new(services),
    };
    Ok(Router::new()
        .route("/auth/{*rest}", any(to_auth))
        .route("/products", any(to_products))
        .route("/products/{*rest}", any(to_products))
        .route("/orders", any(to_orders))
        .route("/orders/{*rest}", any(to_orders))
        .with_state(gateway)
        .merge(openapi::routes(contracts::openapi::json())))
}

async fn to_auth(
    State(Gateway { services, .. }): State<Gateway>,
    request: Request,
) -> Result<Response, Problem> {
    let forwarder = &services.forwarder;
    forwarder
        .forward(&services.auth, Kind::Account, request)
        .await
}

async fn to_products(
    State(Gateway { services, .. }): State<Gateway>,
    request: Request,
) -> Result<Response, Problem> {
    let kind = Kind::of(request.method());
    services
        .forwarder
        .forward(&services.order, kind, request)
        .await
}

/// Orders need a valid token. The order service reads it again, to know the customer.
async fn to_orders(
    State(Gateway { services, .. }): State<Gateway>,
    Bearer(_): Bearer,
    request: Request,
) -> Result<Response, Problem> {
    let kind = Kind::of(request.method());
    services
        .forwarder
        .forward(&services.order, kind, request)
        .await
}

//! One door for all the services: it finds the right one, and keeps out who may not enter.
//!
//! Invariants:
//! - a request for orders goes on only with a good token, checked here without asking anybody;
//! - a request takes its place among those that wait for a service when its body has arrived; what
//!   arrives slowly has few places of its own, and streams through;
//! - a service that is down or slow is a 502 or a 504, and never a heap of waiting requests: what
//!   exceeds the limit is refused at once, and a flood of one kind refuses none of another;
//! - a replica that is down or hangs costs a few requests: the others answer in its place.
//!
//! It knows paths and nothing of what stands in bodies, and it keeps no state.

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

/// The gateway: one door for all the services.
#[derive(Parser, Clone, Debug)]
#[command(version)]
pub struct Settings {
    #[command(flatten)]
    pub serving: config::Serving,
    #[command(flatten)]
    pub token_key: config::TokenKey,

    /// Where the auth service is reached, such as `http://127.0.0.1:8081`. Several addresses with
    /// commas between them are replicas, which take turns while they answer.
    #[arg(long, env = "AUTH_SERVICE_URL")]
    pub auth_service_url: Upstream,

    /// Where the order service is reached: one address or several, as above.
    #[arg(long, env = "ORDER_SERVICE_URL")]
    pub order_service_url: Upstream,

    /// How many requests of a kind may wait for the services at a time. The kinds are accounts,
    /// reads and writes. More are answered with 503.
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

/// The process.
pub fn main() -> ExitCode {
    chassis::run("gateway", |all: &Settings| &all.serving, start)
}

/// It is ready as soon as it listens: a service that is down must not take the others with it.
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

/// Orders are their customer's own. The order service reads the token again, for who it is.
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

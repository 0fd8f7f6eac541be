//! The promises of a process that is built on the chassis, tested from outside.

// Helpers of tests may unwrap, like the tests themselves.
#![allow(clippy::unwrap_used)]

#[path = "it/background.rs"]
mod background;
#[path = "it/lifecycle.rs"]
mod lifecycle;
#[path = "it/listeners.rs"]
mod listeners;
#[path = "it/requests.rs"]
mod requests;
#[path = "it/telemetry.rs"]
mod telemetry;
#[path = "it/tokens.rs"]
mod tokens;

use axum::Router;
use axum::routing::{get, post};
use chassis::config::Serving;
use chassis::{Json, Path, Problem, Query, Running, Trace, launch};
use reqwest::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

#[derive(Deserialize, Serialize)]
struct Basket {
    lines: Vec<Line>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    quantity: u32,
}

#[derive(Deserialize)]
struct Page {
    limit: u8,
}

/// Routes that succeed and fail in each way.
fn routes() -> Router {
    Router::new()
        .route(
            "/baskets",
            post(async |Json(basket): Json<Basket>| Json(basket)),
        )
        .route(
            "/baskets/{id}",
            get(async |Path(id): Path<uuid::Uuid>| id.to_string()),
        )
        .route(
            "/page",
            get(async |Query(page): Query<Page>| page.limit.to_string()),
        )
        .route("/panic", get(async || -> String { panic!("a bug") }))
        .route(
            "/hang",
            get(async || std::future::pending::<String>().await),
        )
        .route("/trace", get(async |Trace(trace): Trace| trace.to_string()))
        .route("/broken", get(async || Problem::internal("a secret cause")))
}

/// A service with [`routes`] and a timeout of 200 ms.
async fn start() -> Running {
    let serving = Serving {
        request_timeout_ms: 200,
        ..Serving::on_free_port()
    };
    let stop = CancellationToken::new();
    launch("test", serving, stop, async |_| Ok(routes()))
        .await
        .unwrap()
}

/// Checks that a response is a problem document, and returns it.
async fn problem(response: Response) -> Value {
    let status = response.status().as_u16();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.headers().contains_key("x-request-id"));
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["type"].is_string());
    problem
}

/// The names of the fields that a problem complains about.
fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect()
}

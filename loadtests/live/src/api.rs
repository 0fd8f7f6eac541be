//! The calls of the page.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::Html;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures::Stream;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::Error;
use crate::load::NewLoad;
use crate::operator::{Action, Command};
use crate::placing::{self, NewOrder};
use crate::questions::Guess;
use crate::queues::Redrive;
use crate::side::find;
use crate::state::Live;
use crate::{audit, journey, page, questions, queues};

const POLICY: [(HeaderName, &str); 1] = [(header::CONTENT_SECURITY_POLICY, page::SECURITY_POLICY)];

type Answer = Result<Json<Value>, Error>;

pub(crate) fn router(live: Arc<Live>) -> Router {
    let document: Arc<str> = page::document().into();
    Router::new()
        .route("/", get(async move || (POLICY, Html(document.to_string()))))
        .route(
            "/api/setup",
            get(async |State(live): State<Arc<Live>>| Json(live.setup())),
        )
        .route("/api/stream", get(stream))
        .route("/api/orders", get(orders).post(place))
        .route("/api/orders/{arm}/{id}/cancel", post(cancel))
        .route("/api/load", put(load))
        .route("/api/parts/{arm}/{name}/scale", post(scale))
        .route("/api/parts/{arm}/{name}/{action}", post(act))
        .route("/api/provider/{arm}", put(provider))
        .route("/api/sqs", put(sqs))
        .route("/api/heal", post(heal))
        .route("/api/journey", get(journey))
        .route("/api/queues/{name}/messages", get(messages))
        .route("/api/queues/{name}/redrive", post(redrive))
        .route("/api/queues/{name}/purge", post(purge))
        .route("/api/queues/{name}/poison", post(poison))
        .route("/api/audit", post(run_audit))
        .route("/api/questions", get(questions))
        .route("/api/questions/{id}", post(answer))
        .with_state(live)
}

#[derive(Deserialize)]
struct Position {
    last_event_id: Option<u64>,
}

/// The events after the last one that the page has, or from now on.
async fn stream(
    State(live): State<Arc<Live>>,
    headers: HeaderMap,
    Query(position): Query<Position>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let last = last
        .and_then(|id| id.parse().ok())
        .or(position.last_event_id);
    Sse::new(live.events.after(last)).keep_alive(KeepAlive::default())
}

async fn place(State(live): State<Arc<Live>>, Json(order): Json<NewOrder>) -> Answer {
    let sides: Result<Vec<_>, _> = order
        .arms
        .iter()
        .map(|arm| find(&live.sides, arm))
        .collect();
    let sides = sides?;
    let orders = sides
        .iter()
        .map(|side| placing::place(&live.http, &live.events, side, &order));
    Ok(Json(json!({ "orders": join_all(orders).await })))
}

async fn cancel(State(live): State<Arc<Live>>, Path((arm, id)): Path<(String, Uuid)>) -> Answer {
    let side = find(&live.sides, &arm)?;
    Ok(Json(placing::cancel(&live.http, side, id).await?))
}

#[derive(Deserialize)]
struct OfArm {
    arm: String,
}

async fn orders(State(live): State<Arc<Live>>, Query(of): Query<OfArm>) -> Answer {
    let side = find(&live.sides, &of.arm)?;
    let shown = side.book.shown().into_iter();
    Ok(Json(shown.map(|order| order.event(&of.arm)).collect()))
}

async fn load(State(live): State<Arc<Live>>, Json(new): Json<NewLoad>) -> Answer {
    live.load.set(&new)?;
    Ok(Json(live.load.state()))
}

async fn act(
    State(live): State<Arc<Live>>,
    Path((arm, name, action)): Path<(String, String, Action)>,
) -> Answer {
    live.execute(&arm, Command::Act { part: name, action })
        .await
}

#[derive(Deserialize)]
struct Replicas {
    replicas: usize,
}

async fn scale(
    State(live): State<Arc<Live>>,
    Path((arm, package)): Path<(String, String)>,
    Json(Replicas { replicas }): Json<Replicas>,
) -> Answer {
    live.execute(&arm, Command::Scale { package, replicas })
        .await
}

async fn provider(
    State(live): State<Arc<Live>>,
    Path(arm): Path<String>,
    Json(behaviour): Json<Value>,
) -> Answer {
    live.execute(&arm, Command::Provider(behaviour)).await
}

/// The faults of SQS as the page names them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SqsFaults {
    latency_ms: Option<Latency>,
    #[serde(default)]
    duplicates: f64,
    #[serde(default)]
    reorder: f64,
    #[serde(default)]
    errors: f64,
    /// The share of entries of batch calls that are refused.
    #[serde(default)]
    throttle: f64,
    #[serde(default)]
    paused: bool,
}

#[derive(Deserialize)]
struct Latency {
    p50: f64,
    p99: f64,
}

async fn sqs(State(live): State<Arc<Live>>, Json(faults): Json<SqsFaults>) -> Answer {
    let latency = faults.latency_ms;
    let latency = latency.map(|one| json!({ "p50_ms": one.p50, "p99_ms": one.p99 }));
    let faults = json!({
        "latency": latency,
        "duplicates": faults.duplicates,
        "reorder": faults.reorder,
        "errors": faults.errors,
        "throttle_entries": faults.throttle,
        "paused": faults.paused,
    });
    live.execute(live.with_queues()?.code(), Command::Queues(faults))
        .await
}

#[derive(Deserialize)]
struct Heal {
    arm: Option<String>,
}

async fn heal(State(live): State<Arc<Live>>, Json(Heal { arm }): Json<Heal>) -> Answer {
    let chosen = |code: &str| arm.as_deref().is_none_or(|arm| arm == code);
    for side in live.sides.iter().filter(|side| chosen(side.code())) {
        let _ = live.execute(side.code(), Command::Heal).await?;
    }
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct OfOrder {
    arm: String,
    order: Uuid,
}

async fn journey(State(live): State<Arc<Live>>, Query(of): Query<OfOrder>) -> Answer {
    let side = find(&live.sides, &of.arm)?;
    Ok(Json(
        journey::journey(&live.http, &live.spans, side, of.order).await?,
    ))
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<usize>,
}

async fn messages(
    State(live): State<Arc<Live>>,
    Path(queue): Path<String>,
    Query(Limit { limit }): Query<Limit>,
) -> Answer {
    let limit = limit.unwrap_or(20);
    let messages = queues::messages(&live.http, live.with_queues()?, &queue, limit).await?;
    Ok(Json(Value::Array(messages)))
}

async fn redrive(
    State(live): State<Arc<Live>>,
    Path(queue): Path<String>,
    Json(redrive): Json<Redrive>,
) -> Answer {
    let side = live.with_queues()?;
    Ok(Json(
        queues::redrive(&live.http, side, &queue, &redrive).await?,
    ))
}

async fn purge(State(live): State<Arc<Live>>, Path(queue): Path<String>) -> Answer {
    Ok(Json(
        queues::purge(&live.http, live.with_queues()?, &queue).await?,
    ))
}

async fn poison(State(live): State<Arc<Live>>, Path(queue): Path<String>) -> Answer {
    Ok(Json(queues::poison(live.with_queues()?, &queue).await?))
}

async fn run_audit(State(live): State<Arc<Live>>) -> Json<Value> {
    Json(audit::audit(&live.events, &live.sides, &live.load).await)
}

async fn questions(State(live): State<Arc<Live>>) -> Json<Value> {
    Json(questions::all(&live.sides))
}

async fn answer(
    State(live): State<Arc<Live>>,
    Path(id): Path<String>,
    Json(guess): Json<Guess>,
) -> Answer {
    Ok(Json(questions::answer(&live, &id, &guess).await?))
}

//! The provider's HTTP endpoints.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::behaviour::{Behaviour, DECLINED_METHOD, Fault, Random};
use crate::body::Body;
use crate::entry::{Authorization, Entry, Status};
use crate::ledger::{Ledger, Refusal};
use crate::problem::Problem;

const BODY_LIMIT_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct ProviderState {
    pub(crate) ledger: Ledger,
    pub(crate) behaviour: Behaviour,
    random: Random,
}

pub(crate) type Shared = Arc<Mutex<ProviderState>>;

pub(crate) fn state(ledger: Ledger) -> Shared {
    let state = ProviderState {
        ledger,
        behaviour: Behaviour::default(),
        random: Random::new(0),
    };
    Arc::new(Mutex::new(state))
}

/// The lock is never held across an await, and no panic leaves the state half changed.
pub(crate) fn lock(state: &Shared) -> MutexGuard<'_, ProviderState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn router(state: Shared) -> Router {
    Router::new()
        .route("/authorizations", post(authorize).get(authorizations))
        .route("/authorizations/{order_id}/{action}", post(act))
        .route("/ledger", get(ledger))
        .route("/behaviour", get(behaviour).put(change_behaviour))
        .route("/healthz", get(|| async { "ok" }))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .with_state(state)
}

#[derive(Serialize)]
struct Answer {
    status: Status,
}

async fn authorize(
    State(state): State<Shared>,
    Body(request): Body<Authorization>,
) -> Result<Json<Answer>, Problem> {
    serve(state, |ledger, decline| {
        let accepted = !decline && request.payment_method != DECLINED_METHOD;
        ledger.authorize(request, accepted, now_ms())
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Capture,
    Void,
    Refund,
}

async fn act(
    State(state): State<Shared>,
    Path((order_id, action)): Path<(Uuid, Action)>,
) -> Result<Json<Answer>, Problem> {
    serve(state, |ledger, _| match action {
        Action::Capture => ledger.capture(order_id),
        Action::Void => ledger.void(order_id, now_ms()),
        Action::Refund => ledger.refund(order_id),
    })
    .await
}

/// Does the work with the latency and the faults that are set.
async fn serve(
    state: Shared,
    work: impl FnOnce(&mut Ledger, bool) -> Result<Status, Refusal>,
) -> Result<Json<Answer>, Problem> {
    let (draw, latency_ms) = {
        let state = &mut *lock(&state);
        (
            state.random.draw(&state.behaviour),
            state.behaviour.latency_ms,
        )
    };
    if draw.before_work {
        fail(draw.fault).await?;
    }
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }

    let status = work(&mut lock(&state).ledger, draw.decline)?;

    if !draw.before_work {
        fail(draw.fault).await?;
    }
    Ok(Json(Answer { status }))
}

async fn fail(fault: Option<Fault>) -> Result<(), Problem> {
    match fault {
        None => Ok(()),
        Some(Fault::Error) => Err(Problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "an injected error".to_owned(),
        )),
        // Ends when the caller gives up and closes the connection.
        Some(Fault::Hang) => std::future::pending().await,
    }
}

#[derive(Deserialize)]
struct Filter {
    status: Option<Status>,
    #[serde(default)]
    older_than_ms: u64,
}

async fn authorizations(
    State(state): State<Shared>,
    Query(filter): Query<Filter>,
) -> Json<Vec<Entry>> {
    let latest_ms = now_ms().saturating_sub(filter.older_than_ms);
    let state = lock(&state);
    let found = state.ledger.entries().filter(|entry| {
        filter.status.is_none_or(|status| entry.status == status)
            && entry.created_at_ms <= latest_ms
    });
    Json(found.cloned().collect())
}

async fn ledger(State(state): State<Shared>) -> Json<Vec<Entry>> {
    Json(lock(&state).ledger.entries().cloned().collect())
}

async fn behaviour(State(state): State<Shared>) -> Json<Behaviour> {
    Json(lock(&state).behaviour)
}

async fn change_behaviour(
    State(state): State<Shared>,
    Body(behaviour): Body<Behaviour>,
) -> Result<Json<Behaviour>, Problem> {
    behaviour
        .check()
        .map_err(|reason| Problem(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    set_behaviour(&state, behaviour);
    Ok(Json(behaviour))
}

pub(crate) fn set_behaviour(state: &Shared, behaviour: Behaviour) {
    let mut state = lock(state);
    state.behaviour = behaviour;
    if let Some(seed) = behaviour.seed {
        state.random = Random::new(seed);
    }
}

fn now_ms() -> u64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    elapsed.as_millis() as u64
}

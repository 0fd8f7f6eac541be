//! The provider's HTTP face.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::behaviour::{Behaviour, DECLINED_METHOD, Dice, Trouble};
use crate::body::Body;
use crate::ledger::{Authorization, Entry, Ledger, Refusal, Status};
use crate::problem::Problem;

const BODY_LIMIT_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) ledger: Ledger,
    pub(crate) behaviour: Behaviour,
    dice: Dice,
}

pub(crate) type Shared = Arc<Mutex<Books>>;

pub(crate) fn books(ledger: Ledger) -> Shared {
    let books = Books {
        ledger,
        behaviour: Behaviour::default(),
        dice: Dice::new(0),
    };
    Arc::new(Mutex::new(books))
}

/// No lock is held across an await, and nothing under it panics halfway.
pub(crate) fn open(books: &Shared) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn router(books: Shared) -> Router {
    Router::new()
        .route("/authorizations", post(authorize).get(authorizations))
        .route("/authorizations/{order_id}/{action}", post(act))
        .route("/ledger", get(ledger))
        .route("/behaviour", get(behaviour).put(behave))
        .route("/healthz", get(|| async { "ok" }))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .with_state(books)
}

#[derive(Serialize)]
struct Answer {
    status: Status,
}

async fn authorize(
    State(books): State<Shared>,
    Body(wanted): Body<Authorization>,
) -> Result<Json<Answer>, Problem> {
    serve(books, |books, decline| {
        let accepted = !decline && wanted.payment_method != DECLINED_METHOD;
        books.ledger.authorize(wanted, accepted, now_ms())
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
    State(books): State<Shared>,
    Path((order_id, action)): Path<(Uuid, Action)>,
) -> Result<Json<Answer>, Problem> {
    serve(books, |books, _| match action {
        Action::Capture => books.ledger.capture(order_id),
        Action::Void => books.ledger.void(order_id, now_ms()),
        Action::Refund => books.ledger.refund(order_id),
    })
    .await
}

/// Works as badly as it was told to: late, not at all, or with its answer lost.
async fn serve(
    books: Shared,
    work: impl FnOnce(&mut Books, bool) -> Result<Status, Refusal>,
) -> Result<Json<Answer>, Problem> {
    let (draw, latency_ms) = {
        let books = &mut *open(&books);
        (
            books.dice.throw(&books.behaviour),
            books.behaviour.latency_ms,
        )
    };
    if draw.before_work {
        meet(draw.trouble).await?;
    }
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }

    let status = work(&mut open(&books), draw.decline)?;

    if !draw.before_work {
        meet(draw.trouble).await?;
    }
    Ok(Json(Answer { status }))
}

async fn meet(trouble: Option<Trouble>) -> Result<(), Problem> {
    match trouble {
        None => Ok(()),
        Some(Trouble::Error) => Err(Problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "told to fail".to_owned(),
        )),
        // Ends when the caller gives up and closes the connection.
        Some(Trouble::Hang) => std::future::pending().await,
    }
}

#[derive(Deserialize)]
struct Filter {
    status: Option<Status>,
    #[serde(default)]
    older_than_ms: u64,
}

async fn authorizations(
    State(books): State<Shared>,
    Query(filter): Query<Filter>,
) -> Json<Vec<Entry>> {
    let latest_ms = now_ms().saturating_sub(filter.older_than_ms);
    let books = open(&books);
    let wanted = books.ledger.entries().filter(|entry| {
        filter.status.is_none_or(|status| entry.status == status)
            && entry.created_at_ms <= latest_ms
    });
    Json(wanted.cloned().collect())
}

async fn ledger(State(books): State<Shared>) -> Json<Vec<Entry>> {
    Json(open(&books).ledger.entries().cloned().collect())
}

async fn behaviour(State(books): State<Shared>) -> Json<Behaviour> {
    Json(open(&books).behaviour)
}

async fn behave(
    State(books): State<Shared>,
    Body(wanted): Body<Behaviour>,
) -> Result<Json<Behaviour>, Problem> {
    wanted
        .check()
        .map_err(|reason| Problem(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    set_behaviour(&books, wanted);
    Ok(Json(wanted))
}

pub(crate) fn set_behaviour(books: &Shared, wanted: Behaviour) {
    let mut books = open(books);
    books.behaviour = wanted;
    if let Some(seed) = wanted.seed {
        books.dice = Dice::new(seed);
    }
}

fn now_ms() -> u64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    elapsed.as_millis() as u64
}

//! The spans of the last ten minutes, received by OTLP over HTTP in JSON. Any collector can stand
//! in the receiver's place.

mod otlp;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

pub(crate) use otlp::{Kind, Span};

use crate::side::database_of;

/// How long a span is kept.
const KEPT: Duration = Duration::from_secs(600);
/// The most spans that are kept, some 300 bytes each.
const LIMIT: usize = 200_000;
/// Requests of a service between two ticks, some seconds of them.
const REQUESTS: usize = 10_000;
/// The exporter of the services sends at most 512 spans at a time.
const BODY_LIMIT: usize = 16 << 20;

/// The store. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Spans(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    spans: VecDeque<(Instant, Arc<Span>)>,
    dropped: u64,
    /// By service.
    news: BTreeMap<String, News>,
}

/// What the spans of a service have shown since the last tick.
#[derive(Default)]
pub(crate) struct News {
    /// Its calls to its database and to the payment provider.
    pub(crate) calls: BTreeMap<&'static str, u64>,
    /// Requests for an order whose trace begins here: no page and no load has sent them.
    pub(crate) requests: Vec<Arc<Span>>,
}

impl Spans {
    /// The receiver, as a service of its own.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/v1/traces", post(receive))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(self.clone())
    }

    pub(crate) fn add(&self, spans: impl IntoIterator<Item = Span>) {
        let now = Instant::now();
        let mut content = self.lock();
        for span in spans {
            let span = Arc::new(span);
            content.note(&span);
            content.spans.push_back((now, span));
        }
        let is_old = |at: &Instant| now.duration_since(*at) > KEPT;
        while content.spans.front().is_some_and(|(at, _)| is_old(at)) {
            content.spans.pop_front();
        }
        while content.spans.len() > LIMIT {
            content.spans.pop_front();
            content.dropped += 1;
        }
    }

    /// The spans of a trace, and the calls that carried one of its messages.
    pub(crate) fn of(&self, trace: u128) -> Vec<Arc<Span>> {
        let content = self.lock();
        let spans = content.spans.iter().map(|(_, span)| span);
        let of_trace = spans.filter(|span| span.trace == trace || span.links.contains(&trace));
        of_trace.cloned().collect()
    }

    /// Takes what the spans of a service have shown since the last call.
    pub(crate) fn news(&self, service: &str) -> News {
        self.lock().news.remove(service).unwrap_or_default()
    }

    /// Spans that were dropped before their ten minutes.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn note(&mut self, span: &Arc<Span>) {
        let news = self.news.entry(span.service.clone()).or_default();
        if let Some(callee) = span.callee() {
            *news.calls.entry(callee).or_default() += 1;
        }
        let is_order = span.kind == Kind::Server && span.name == "POST /orders";
        if is_order && span.parent.is_none() && news.requests.len() < REQUESTS {
            news.requests.push(Arc::clone(span));
        }
    }
}

impl Span {
    /// What its service has called: its database, or the payment provider. A handler works in one
    /// transaction, which has no span of its own.
    pub(crate) fn callee(&self) -> Option<&'static str> {
        match (self.kind, self.name.as_str()) {
            (Kind::Client, "transaction") => database_of(&self.service),
            (Kind::Client, name) if !name.starts_with("send ") => Some("provider"),
            (Kind::Consumer, name) if !name.starts_with("prepare ") => database_of(&self.service),
            _ => None,
        }
    }
}

async fn receive(
    State(spans): State<Spans>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    // An exporter is no page.
    if headers.contains_key(header::ORIGIN) {
        return (
            StatusCode::FORBIDDEN,
            Json(json!({ "message": "no page may send spans" })),
        );
    }
    match otlp::spans(&body) {
        Ok(new) => {
            spans.add(new);
            (StatusCode::OK, Json(json!({})))
        }
        Err(error) => {
            let message = format!("send OTLP in JSON: {error}");
            (StatusCode::BAD_REQUEST, Json(json!({ "message": message })))
        }
    }
}

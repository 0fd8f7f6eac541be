//! What happens to every request, in one function and not in a tower of layers: each layer would
//! box its future, and a service's own CPU per request is what the comparison measures.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use hyper::body::Incoming;
use metrics::SharedString;
use tower::Service;
use trace_context::TraceParent;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span, info_span};

use crate::body::BoundedBody;
use crate::{Problem, head, otlp, trace};

/// The most bytes that a request's body may have. The largest order of 50 lines has 5 KiB.
pub const BODY_LIMIT: usize = 64 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What a request is called in the logs of all processes it passes: the caller's `x-request-id`
/// of 1 to 128 visible characters, or one made here. The response carries it.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

/// A router with what is said and measured of it.
pub(crate) struct App {
    pub(crate) name: &'static str,
    pub(crate) router: Router,
    pub(crate) timeout: Duration,
}

/// Answers one request, whatever happens.
pub(crate) async fn answer(
    app: Arc<App>,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let started = Instant::now();
    let method = name_of(request.method());
    let id = RequestId::of(request.headers());
    let parent = parent(request.headers());
    let trace = parent.map_or_else(trace::root, TraceParent::child);
    let exported = exported_span(&request, parent, trace);
    let span = info_span!(
        "request",
        service = app.name,
        method,
        path = request.uri().path(),
        id = id.as_str(),
        trace = %trace.trace_hex(),
    );

    let mut response = guarded(&app, request, &id, trace).instrument(span).await;

    let route = match response.extensions_mut().remove::<MatchedPath>() {
        Some(path) => SharedString::from(path.as_str().to_owned()),
        None => SharedString::const_str("none"),
    };
    if !exported.is_disabled() {
        let status = response.status();
        exported.record("otel.name", format!("{method} {route}"));
        exported.record("http.route", &*route);
        exported.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            exported.record("otel.status_code", "ERROR");
        }
    }
    metrics::histogram!(
        "http_request_duration_seconds",
        "service" => app.name,
        "method" => method,
        "route" => route,
        "status" => response.status().as_str().to_owned(),
    )
    .record(started.elapsed());
    response.headers_mut().insert(REQUEST_ID, id.0);
    Ok(response)
}

/// The span that a collector is told of, if anybody keeps this trace.
/// Source: OpenTelemetry's semantic conventions for HTTP spans, version 1.37.
fn exported_span<B>(
    request: &hyper::Request<B>,
    parent: Option<TraceParent>,
    own: TraceParent,
) -> Span {
    if !otlp::is_on() || !own.is_sampled() {
        return Span::none();
    }
    debug_span!(
        target: otlp::TARGET,
        parent: None,
        "request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        trace_id = display(own.trace_hex()),
        span_id = display(own.span_hex()),
        parent_id = parent.map(|parent| display(parent.span_hex())),
        http.request.method = name_of(request.method()),
        http.route = Empty,
        http.response.status_code = Empty,
        url.path = request.uri().path(),
    )
}

/// Runs the handler, but not for ever, not on any body, and not into a panic.
async fn guarded(
    app: &App,
    request: hyper::Request<Incoming>,
    id: &RequestId,
    trace: TraceParent,
) -> Response {
    if request.body().size_hint().lower() > BODY_LIMIT as u64 {
        return Problem::too_large().into_response();
    }
    if let Err(problem) = head::check(request.uri(), request.headers()) {
        return problem.into_response();
    }
    // The other half of the time is for the answer.
    let deadline = tokio::time::Instant::now() + app.timeout / 2;
    let mut request = request.map(|body| Body::new(BoundedBody::new(body, deadline)));
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(trace);

    let handler = AssertUnwindSafe(app.router.clone().call(request)).catch_unwind();
    match tokio::time::timeout(app.timeout, handler).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(panic)) => Problem::internal(said(&*panic)).into_response(),
        Err(_) => Problem::new(StatusCode::GATEWAY_TIMEOUT)
            .detail(format!("no answer within {:?}", app.timeout))
            .into_response(),
    }
}

/// Notes on the response which route it came from: a path holds ids, and a metric must not.
pub(crate) async fn name_route(route: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(route);
    response
}

fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    headers.get(TRACEPARENT)?.to_str().ok()?.parse().ok()
}

/// A method as a label: any other word a client makes up is one of few.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("without a word"))
}

impl RequestId {
    fn of(headers: &HeaderMap) -> RequestId {
        let is_sound = |id: &&HeaderValue| {
            (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        RequestId(headers.get(REQUEST_ID).filter(is_sound).map_or_else(
            || {
                let id = uuid::Uuid::now_v7().to_string();
                HeaderValue::try_from(id).expect("a UUID is ASCII")
            },
            HeaderValue::clone,
        ))
    }

    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("a request id is visible ASCII")
    }

    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestId, Infallible> {
        let known = parts.extensions.get::<RequestId>().cloned();
        Ok(known.unwrap_or_else(|| RequestId::of(&parts.headers)))
    }
}

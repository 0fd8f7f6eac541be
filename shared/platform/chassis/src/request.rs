//! The handling of every request: limits, timeout, trace, log and metrics around the router.
//!
//! It is one function and not a stack of tower layers. axum boxes the future of each layer, and the
//! comparison measures the CPU time that a service itself uses per request.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use hyper::body::Incoming;
use metrics::SharedString;
use tower::Service;
use trace_context::{TraceParent, spans};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span, info_span};

use crate::body::{BODY_LIMIT, BoundedBody};
use crate::request_id::{REQUEST_ID, RequestId};
use crate::{Problem, head, trace};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A router with the name of its service and the timeout of its requests.
pub(crate) struct App {
    pub(crate) name: &'static str,
    pub(crate) router: Router,
    pub(crate) timeout: Duration,
}

/// Answers one request. A failure of any kind becomes a response.
pub(crate) async fn answer(
    app: Arc<App>,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let started = Instant::now();
    let method = method_label(request.method());
    let id = RequestId::of(request.headers());
    let parent = trace_parent(request.headers());
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

    let handling = guarded(&app, request, &id, trace).instrument(span);
    let mut response = trace_context::scope(trace, handling).await;

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
    response.headers_mut().insert(REQUEST_ID, id.header());
    Ok(response)
}

/// The span that is exported to a collector, if the trace is sampled.
/// Source: OpenTelemetry's semantic conventions for HTTP spans, version 1.37.
fn exported_span<B>(
    request: &hyper::Request<B>,
    parent: Option<TraceParent>,
    own: TraceParent,
) -> Span {
    if !spans::are_exported() || !own.is_sampled() {
        return Span::none();
    }
    debug_span!(
        target: spans::TARGET,
        parent: None,
        "request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        trace_id = display(own.trace_hex()),
        span_id = display(own.span_hex()),
        parent_id = parent.map(|parent| display(parent.span_hex())),
        http.request.method = method_label(request.method()),
        http.route = Empty,
        http.response.status_code = Empty,
        url.path = request.uri().path(),
    )
}

/// Calls the router with the limits applied: on head and body, on time, and around panics.
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
    // The other half of the timeout is left for the handler.
    let deadline = tokio::time::Instant::now() + app.timeout / 2;
    let mut request = request.map(|body| Body::new(BoundedBody::new(body, deadline)));
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(trace);

    let handler = AssertUnwindSafe(app.router.clone().call(request)).catch_unwind();
    match tokio::time::timeout(app.timeout, handler).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(panic)) => Problem::internal(panic_message(&*panic)).into_response(),
        Err(_) => Problem::new(StatusCode::GATEWAY_TIMEOUT)
            .detail(format!("no answer within {:?}", app.timeout))
            .into_response(),
    }
}

/// Records the matched route on the response. A metric label must not hold the ids of a path.
pub(crate) async fn name_route(route: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(route);
    response
}

fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    headers.get(TRACEPARENT)?.to_str().ok()?.parse().ok()
}

/// A method as a metric label. Methods that clients make up share the label `other`.
fn method_label(method: &Method) -> &'static str {
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

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("(no message)"))
}

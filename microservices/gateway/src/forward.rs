//! Forwards a request to a service, and returns the response.

use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{StatusCode, Uri, Version};
use axum::response::Response;
use chassis::Problem;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tracing::warn;

use crate::body::{Arrival, read_ahead};
use crate::headers;
use crate::limits::{Kind, Limits};
use crate::upstream::{Failure, Upstream};

/// A replica that does not accept a connection within this time is down. In a data centre it takes
/// one or two milliseconds; a lost packet takes a second.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// Idle connections are closed before the services close them (after 30 s), so that no request is
/// sent on a connection that is about to close.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// If a request is cancelled after this time, its replica counts as not answering. If it is
/// cancelled sooner, the client may have left for its own reasons.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// How a request may be sent.
struct Sending {
    /// After this time without an answer, the replica counts as not answering.
    answer_timeout: Duration,
    can_be_repeated: bool,
}

/// Forwards requests over connections that stay open.
pub(crate) struct Forwarder {
    http: Client<HttpConnector, Body>,
    limits: Limits,
    answer_timeout: Duration,
}

impl Forwarder {
    /// A forwarder with this concurrency limit per kind of request, and this timeout per request.
    pub(crate) fn new(concurrency_limit: usize, timeout: Duration) -> Forwarder {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Forwarder {
            http,
            limits: Limits::new(concurrency_limit),
            answer_timeout: ANSWER_TIMEOUT.min(timeout / 2),
        }
    }

    /// Returns the service's response. The chassis enforces the request timeout.
    ///
    /// # Errors
    /// 503 when too many requests wait already, and 502 when no replica of the service answers.
    pub(crate) async fn forward(
        &self,
        upstream: &Upstream,
        kind: Kind,
        request: Request,
    ) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        let body = read_ahead(body).await?;
        let _permit = self.limits.enter(kind, &body)?;
        let parts = for_next_hop(parts);
        match body {
            Arrival::Whole(body) => {
                let request =
                    |replica: &Authority| addressed(replica, &parts, Body::from(body.clone()));
                self.send(
                    upstream,
                    request,
                    &Sending::with_retries(self.answer_timeout),
                )
                .await
            }
            Arrival::Slow(body) => {
                let mut body = Some(body);
                let request = |replica: &Authority| {
                    addressed(replica, &parts, body.take().unwrap_or_default())
                };
                self.send(upstream, request, &Sending::ONCE).await
            }
        }
    }

    /// Tries one replica after another, as long as the request was certainly not sent, or may be
    /// sent twice (RFC 9110, 9.2.2).
    async fn send(
        &self,
        upstream: &Upstream,
        mut request: impl FnMut(&Authority) -> Request,
        sending: &Sending,
    ) -> Result<Response, Problem> {
        let mut tried = vec![];
        while let Some(attempt) = upstream.attempt(&tried, sending.answer_timeout) {
            tried.push(attempt.index());
            let request = request(attempt.address());
            let is_safe = request.method().is_safe();
            let error = match self.http.request(request).await {
                Ok(mut response) => {
                    attempt.answered();
                    headers::keep_end_to_end(response.headers_mut());
                    return Ok(response.map(Body::new));
                }
                Err(error) => error,
            };
            // Only the client's body is a body of axum, so an error of axum comes from there.
            if let Some(error) = cause::<axum::Error>(&error) {
                attempt.ended_by_client();
                return Err(Problem::of_body(error));
            }
            let (replica, error_text) = (attempt.address(), with_causes(&error));
            warn!(%replica, error = error_text, "no answer from a replica");
            let failure = match error.is_connect() {
                true => Failure::NotConnected,
                false => Failure::NotAnswered,
            };
            attempt.failed(failure);
            let may_be_retried = is_safe || failure == Failure::NotConnected;
            if !may_be_retried || !sending.can_be_repeated {
                break;
            }
        }
        Err(Problem::new(StatusCode::BAD_GATEWAY)
            .detail("the service behind the gateway does not answer"))
    }
}

impl Sending {
    /// A streamed body can be sent only once, and a replica is not responsible for its speed.
    const ONCE: Sending = Sending {
        answer_timeout: Duration::MAX,
        can_be_repeated: false,
    };

    fn with_retries(answer_timeout: Duration) -> Sending {
        Sending {
            answer_timeout,
            can_be_repeated: true,
        }
    }
}

/// The head of the request to the service, without the headers of the client's hop.
fn for_next_hop(mut parts: Parts) -> Parts {
    parts.version = Version::HTTP_11;
    headers::add_ids(&mut parts);
    headers::keep_end_to_end(&mut parts.headers);
    parts
}

fn addressed(replica: &Authority, parts: &Parts, body: Body) -> Request {
    let mut parts = parts.clone();
    parts.uri = address(replica, &parts.uri);
    Request::from_parts(parts, body)
}

fn address(replica: &Authority, uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned();
    let mut parts = axum::http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(replica.clone());
    parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).expect("a scheme, an authority and a path are a URI")
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The error's text with those of its causes, because hyper's own text does not name the cause.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.join(": ")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

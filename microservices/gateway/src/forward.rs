//! Handing a request on, and the answer back.

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

/// A replica that has not accepted a connection by then is down. Within a data centre that takes a
/// millisecond or two, and a packet that was lost would take a second.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// Idle connections are given up before the services close them (after 30 s), so that no request
/// is sent on one that is about to close.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A request that is given up after this long was not answered; a client may leave sooner for
/// reasons of its own.
const PATIENCE: Duration = Duration::from_secs(1);

/// What can be done with a request.
struct Sending {
    /// After this long without an answer, a replica is to blame.
    patience: Duration,
    can_be_repeated: bool,
}

/// Sends requests on, over connections that stay open.
pub(crate) struct Forwarder {
    http: Client<HttpConnector, Body>,
    limits: Limits,
    patience: Duration,
}

impl Forwarder {
    /// With so many places for each kind of request, and so long for each.
    pub(crate) fn new(places: usize, time_limit: Duration) -> Forwarder {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Forwarder {
            http,
            limits: Limits::new(places),
            patience: PATIENCE.min(time_limit / 2),
        }
    }

    /// The service's answer. The time limit is the chassis's own, as for every request.
    ///
    /// # Errors
    /// 503 when too many wait already, and 502 when no replica of the service can be reached.
    pub(crate) async fn forward(
        &self,
        upstream: &Upstream,
        kind: Kind,
        request: Request,
    ) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        let body = read_ahead(body).await?;
        let _place = self.limits.enter(kind, &body)?;
        let parts = of_this_hop(parts);
        match body {
            Arrival::Whole(body) => {
                let request =
                    |replica: &Authority| addressed(replica, &parts, Body::from(body.clone()));
                self.send(upstream, request, &Sending::again(self.patience))
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

    /// Tries one replica after another while the request has provably not been sent, or may be sent
    /// twice (RFC 9110, 9.2.2).
    async fn send(
        &self,
        upstream: &Upstream,
        mut request: impl FnMut(&Authority) -> Request,
        sending: &Sending,
    ) -> Result<Response, Problem> {
        let mut tried = vec![];
        while let Some(attempt) = upstream.attempt(&tried, sending.patience) {
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
            // Bodies are axum's, so an error of axum's is one of the body on its way in.
            if let Some(error) = cause::<axum::Error>(&error) {
                attempt.blameless();
                return Err(Problem::of_body(error));
            }
            warn!(replica = %attempt.address(), error = said(&error), "no answer from a service");
            let failure = match error.is_connect() {
                true => Failure::NotConnected,
                false => Failure::NotAnswered,
            };
            attempt.failed(failure);
            let may_go_on = is_safe || failure == Failure::NotConnected;
            if !may_go_on || !sending.can_be_repeated {
                break;
            }
        }
        Err(Problem::new(StatusCode::BAD_GATEWAY)
            .detail("the service behind the gateway does not answer"))
    }
}

impl Sending {
    /// A body that streams goes out once, and no replica is to blame for how slow it is.
    const ONCE: Sending = Sending {
        patience: Duration::MAX,
        can_be_repeated: false,
    };

    fn again(patience: Duration) -> Sending {
        Sending {
            patience,
            can_be_repeated: true,
        }
    }
}

/// The request's head as the service gets it: the same but for the headers that were meant for this
/// hop alone.
fn of_this_hop(mut parts: Parts) -> Parts {
    parts.version = Version::HTTP_11;
    headers::identify(&mut parts);
    headers::keep_end_to_end(&mut parts.headers);
    parts
}

fn addressed(replica: &Authority, parts: &Parts, body: Body) -> Request {
    let mut parts = parts.clone();
    parts.uri = address(replica, &parts.uri);
    Request::from_parts(parts, body)
}

fn address(replica: &Authority, asked: &Uri) -> Uri {
    let path = asked.path_and_query().cloned();
    let mut parts = axum::http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(replica.clone());
    parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).expect("a scheme, an authority and a path are a URI")
}

fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// hyper tells the cause only as the error behind the error.
fn said(error: &(dyn Error + 'static)) -> String {
    let said: Vec<String> = causes(error).map(ToString::to_string).collect();
    said.join(": ")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

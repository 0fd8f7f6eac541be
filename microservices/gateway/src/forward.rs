//! Handing a request on, and the answer back.

use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{StatusCode, Uri, Version};
use axum::response::Response;
use chassis::Problem;
use http_body_util::LengthLimitError;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;
use tracing::warn;

use crate::headers;

/// A service that has not even accepted a connection by then is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Idle connections are given up before the services close them (after 30 s), so that no request
/// is sent on one that is about to close.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A service behind the gateway: `http://host:port`, or several with commas between them, which
/// take turns. A name that a load balancer or DNS spreads needs no list.
#[derive(Clone, Debug)]
pub struct Upstream {
    replicas: Vec<Authority>,
    turn: Arc<AtomicUsize>,
}

/// Sends requests on, over connections that stay open.
pub(crate) struct Forwarder {
    http: Client<HttpConnector, Body>,
    limit: Semaphore,
}

impl Forwarder {
    pub(crate) fn new(limit: Semaphore) -> Forwarder {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Forwarder { http, limit }
    }

    /// The service's answer. The time limit is the chassis's own, as for every request.
    ///
    /// # Errors
    /// 503 when too many wait already, and 502 when the service cannot be reached.
    pub(crate) async fn forward(
        &self,
        upstream: &Upstream,
        request: Request,
    ) -> Result<Response, Problem> {
        let Ok(_place) = self.limit.try_acquire() else {
            return Err(Problem::unavailable(
                "too many requests are waiting: try again",
            ));
        };
        let replica = upstream.next();
        let request = redirected(replica, request);

        match self.http.request(request).await {
            Ok(mut response) => {
                headers::keep_end_to_end(response.headers_mut());
                Ok(response.map(Body::new))
            }
            Err(error) if has_cause::<LengthLimitError>(&error) => Err(Problem::too_large()),
            // Bodies are axum's, so an error of axum's is one of the body on its way in.
            Err(error) if has_cause::<axum::Error>(&error) => Err(Problem::bad_request(
                "the body did not arrive as it was announced",
            )),
            Err(error) => {
                warn!(upstream = %replica, error = said(&error), "no answer from a service");
                Err(Problem::new(StatusCode::BAD_GATEWAY)
                    .detail("the service behind the gateway does not answer"))
            }
        }
    }
}

/// The request as the service gets it: the same but for where it goes, and for the headers that
/// were meant for this hop alone.
fn redirected(replica: &Authority, mut request: Request) -> Request {
    *request.uri_mut() = address(replica, request.uri());
    *request.version_mut() = Version::HTTP_11;
    headers::identify(&mut request);
    headers::keep_end_to_end(request.headers_mut());
    request
}

fn address(replica: &Authority, asked: &Uri) -> Uri {
    let path = asked.path_and_query().cloned();
    let mut parts = axum::http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(replica.clone());
    parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).expect("a scheme, an authority and a path are a URI")
}

impl Upstream {
    fn next(&self) -> &Authority {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.replicas[turn % self.replicas.len()]
    }
}

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Upstream, &'static str> {
        let replicas = text.split(',').map(|one| authority(one.trim()));
        Ok(Upstream {
            replicas: replicas.collect::<Result<_, _>>()?,
            turn: Arc::default(),
        })
    }
}

fn authority(text: &str) -> Result<Authority, &'static str> {
    let wrong = "expected http://host:port, with nothing behind the port";
    let uri: Uri = text.parse().map_err(|_| wrong)?;
    let plain = uri.scheme() == Some(&Scheme::HTTP) && uri.path() == "/";
    match uri.into_parts().authority {
        Some(authority) if plain => Ok(authority),
        _ => Err(wrong),
    }
}

fn has_cause<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<E>())
}

/// hyper tells the cause only as the error behind the error.
fn said(error: &(dyn Error + 'static)) -> String {
    let said: Vec<String> = causes(error).map(ToString::to_string).collect();
    said.join(": ")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

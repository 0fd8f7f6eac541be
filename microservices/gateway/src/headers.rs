//! The headers that are forwarded.

use axum::http::header::{
    CONNECTION, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chassis::{RequestId, TraceParent};

/// Hop-by-hop headers (RFC 9110, 7.6.1). hyper writes new ones for the next hop.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes the hop-by-hop headers: those above, and those that `Connection` names.
pub(crate) fn keep_end_to_end(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Adds the ids of the request and of its trace, so that all its logs can be found. Removes `Host`,
/// which names the gateway and not the service.
pub(crate) fn add_ids(request: &mut Parts) {
    let id = request.extensions.get::<RequestId>();
    let id = id.map(RequestId::header);
    let trace = request.extensions.get::<TraceParent>();
    let trace = trace.map(TraceParent::to_string);
    let trace = trace.and_then(|trace| HeaderValue::try_from(trace).ok());

    let headers = &mut request.headers;
    headers.remove(HOST);
    for (name, value) in [("x-request-id", id), ("traceparent", trace)] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}

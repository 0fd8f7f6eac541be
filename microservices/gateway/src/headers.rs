//! Which headers pass.

use axum::http::header::{
    CONNECTION, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chassis::{RequestId, TraceParent};

/// Headers between two neighbours (RFC 9110, 7.6.1), which hyper writes anew for the next hop.
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

/// Drops what was meant for this hop: the headers above, and those that `Connection` names.
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

/// Says which request and which trace this is, so that all logs of it can be found. `Host` is the
/// gateway's own and would mislead the service.
pub(crate) fn identify(request: &mut Parts) {
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

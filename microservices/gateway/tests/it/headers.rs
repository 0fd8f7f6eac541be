//! Which headers the gateway forwards.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::get;
use chassis::Json;
use reqwest::Method;

use crate::fixture::Fixture;

/// Answers with the headers of the request.
async fn echo_headers(headers: HeaderMap) -> Json<BTreeMap<String, String>> {
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let seen = headers.iter();
    Json(
        seen.map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
    )
}

#[tokio::test]
async fn the_request_id_and_the_trace_go_on() {
    let gateway = Fixture::before(Router::new().route("/orders", get(echo_headers))).await;
    let request = gateway
        .request(Method::GET, "/orders")
        .header("x-request-id", "a-request")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        );
    let response = request.send().await.unwrap();

    assert_eq!(response.headers()["x-request-id"], "a-request");
    let seen: BTreeMap<String, String> = response.json().await.unwrap();
    assert_eq!(seen["x-request-id"], "a-request");
    assert!(seen["traceparent"].starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert!(
        !seen["traceparent"].contains("00f067aa0ba902b7"),
        "the hop is a span of its own"
    );
    assert!(seen["authorization"].starts_with("Bearer "));
}

#[tokio::test]
async fn headers_of_one_hop_end_there() {
    let orders = get(async |headers: HeaderMap| {
        let answer = [
            ("connection", "x-of-service"),
            ("x-of-service", "1"),
            ("x-kept", "1"),
        ];
        (answer, echo_headers(headers).await)
    });
    let gateway = Fixture::before(Router::new().route("/orders", orders)).await;
    let request = gateway
        .request(Method::GET, "/orders")
        .header("connection", "keep-alive, X-Of-Client")
        .header("x-of-client", "1")
        .header("te", "trailers")
        .header("upgrade", "websocket")
        .header("proxy-authorization", "Basic x")
        .header("x-kept", "1");
    let response = request.send().await.unwrap();

    assert!(!response.headers().contains_key("x-of-service"));
    assert_eq!(response.headers()["x-kept"], "1");
    let seen: BTreeMap<String, String> = response.json().await.unwrap();
    assert_eq!(seen["x-kept"], "1");
    for gone in ["x-of-client", "te", "upgrade", "proxy-authorization"] {
        assert!(!seen.contains_key(gone), "{gone}");
    }
}

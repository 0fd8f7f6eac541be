//! Traces, request ids and metrics.

use reqwest::Client;

use crate::start;

#[tokio::test]
async fn a_trace_and_a_request_id_are_continued() {
    let server = start().await;
    let request = Client::new()
        .get(server.url() + "/trace")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .header("x-request-id", "a-request");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "a-request");
    let trace = response.text().await.unwrap();
    assert!(
        trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{trace}"
    );
    assert!(!trace.contains("00f067aa0ba902b7"), "{trace}");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_path() {
    let server = start().await;
    let id = "/baskets/01890a5d-ac96-774b-bcce-b302099a8057";
    reqwest::get(server.url() + id).await.unwrap();
    let metrics = reqwest::get(server.url() + "/metrics").await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains(r#"route="/baskets/{id}""#), "{metrics}");
    assert!(!metrics.contains(id));
}

//! The endpoints for operators: health, readiness, metrics, the OpenAPI document.

use reqwest::Method;

use crate::answer::Answer;
use crate::shops::shops;

#[tokio::test]
async fn every_entry_reports_its_health() {
    for shop in shops().await {
        shop.get("/products").await.is(200);
        shop.get_admin("/healthz").await.is(200);
        shop.get_admin("/readyz").await.is(200);
        let metrics = shop.get_admin("/metrics").await.is(200);
        assert!(
            metrics.text.contains("http_request_duration_seconds_count"),
            "{}",
            metrics.text
        );
    }
}

#[tokio::test]
async fn all_serve_the_same_document() {
    let mut documents = vec![];
    for shop in shops().await {
        let document = shop.get("/openapi.json").await.is(200);
        assert_eq!(document.headers["content-type"], "application/json");
        assert!(document.json()["paths"]["/orders"]["post"].is_object());
        documents.push(document.text);
    }
    assert!(documents.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_request_keeps_its_id() {
    for shop in shops().await {
        let request = shop
            .request(Method::GET, "/products")
            .header("x-request-id", "of-a-test");
        assert_eq!(
            Answer::to(request).await.headers["x-request-id"],
            "of-a-test"
        );

        let invalid = shop
            .request(Method::GET, "/products")
            .header("x-request-id", "with space");
        let id = Answer::to(invalid).await.headers["x-request-id"].clone();
        assert_ne!(id, "with space");
        assert_ne!(id, shop.get("/products").await.headers["x-request-id"]);
    }
}

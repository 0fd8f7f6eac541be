//! The gateway in front of real servers, over HTTP.
#![allow(clippy::unwrap_used)]

#[path = "it/bodies.rs"]
mod bodies;
#[path = "it/failures.rs"]
mod failures;
#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/floods.rs"]
mod floods;
#[path = "it/headers.rs"]
mod headers;
#[path = "it/replicas.rs"]
mod replicas;

use axum::Router;
use axum::extract::Request;
use axum::routing::{any, get};
use reqwest::{Client, Method};

use crate::fixture::{Fixture, problem, text};

#[tokio::test]
async fn a_path_finds_its_service() {
    let echo =
        any(async |request: Request| format!("order {} {}", request.method(), request.uri()));
    let orders = Router::new()
        .route("/orders", echo.clone())
        .route("/orders/{*rest}", echo.clone())
        .route("/products", echo.clone())
        .route("/products/{*rest}", echo);
    let gateway = Fixture::before(orders).await;
    let check = async |method: Method, path: &str, expected: &str| {
        let response = gateway.request(method, path).send().await.unwrap();
        assert_eq!(text(response).await, expected);
    };

    check(Method::POST, "/auth/login", "auth").await;
    check(
        Method::GET,
        "/products?limit=2&after=a%20b",
        "order GET /products?limit=2&after=a%20b",
    )
    .await;
    check(
        Method::GET,
        "/products/teapot",
        "order GET /products/teapot",
    )
    .await;
    check(Method::POST, "/orders", "order POST /orders").await;
    check(
        Method::POST,
        "/orders/7/cancel",
        "order POST /orders/7/cancel",
    )
    .await;

    problem(gateway.get("/nowhere").await, 404).await;
    problem(gateway.get("/auth").await, 404).await;
}

#[tokio::test]
async fn orders_need_a_token_and_products_do_not() {
    let routes = Router::new()
        .route("/orders", get(async || "orders"))
        .route("/products", get(async || "products"));
    let gateway = Fixture::before(routes).await;

    let response = reqwest::get(gateway.running.url() + "/orders")
        .await
        .unwrap();
    problem(response, 401).await;
    let forged = format!("{}A", gateway.token);
    let request = Client::new()
        .get(gateway.running.url() + "/orders")
        .bearer_auth(forged);
    problem(request.send().await.unwrap(), 401).await;

    assert_eq!(text(gateway.get("/orders").await).await, "orders");
    let response = reqwest::get(gateway.running.url() + "/products")
        .await
        .unwrap();
    assert_eq!(text(response).await, "products");
}

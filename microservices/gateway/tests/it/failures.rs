//! The gateway's answers for a service that is down, slow or busy.

use axum::Router;
use axum::routing::get;
use chassis::Problem;
use reqwest::Method;
use tokio::sync::mpsc;

use crate::fixture::{Fixture, problem, serve, text};

#[tokio::test]
async fn a_service_that_is_down_is_a_502() {
    let down = "http://127.0.0.1:1".to_owned();
    let gateway = Fixture::open([down.clone(), down], |_| {}).await;
    let detail = problem(gateway.get("/products").await, 502).await;
    assert!(detail.contains("does not answer"));
}

#[tokio::test]
async fn a_service_that_is_slow_is_a_504() {
    let hang = get(async || std::future::pending::<String>().await);
    let orders = serve(Router::new().route("/orders", hang)).await;
    let urls = [orders.url(), orders.url()];
    let gateway = Fixture::open(urls, |settings| settings.serving.request_timeout_ms = 50).await;
    problem(gateway.get("/orders").await, 504).await;
}

#[tokio::test]
async fn what_exceeds_the_limit_is_sent_away_at_once() {
    let (arrived, mut has_arrived) = mpsc::channel(10);
    let (go_on, may_go_on) = tokio::sync::watch::channel(false);
    let slow = get(async move || {
        arrived.send(()).await.unwrap();
        may_go_on.clone().wait_for(|go_on| *go_on).await.unwrap();
        "answered"
    });
    let orders = serve(Router::new().route("/orders", slow)).await;
    let urls = [orders.url(), orders.url()];
    let gateway = Fixture::open(urls, |settings| settings.concurrency_limit = 2).await;

    let first = tokio::spawn(gateway.request(Method::GET, "/orders").send());
    let second = tokio::spawn(gateway.request(Method::GET, "/orders").send());
    has_arrived.recv().await.unwrap();
    has_arrived.recv().await.unwrap();
    let third = gateway.get("/orders").await;
    assert_eq!(third.headers()["retry-after"], "1");
    problem(third, 503).await;

    go_on.send(true).unwrap();
    for answer in [first, second] {
        assert_eq!(text(answer.await.unwrap().unwrap()).await, "answered");
    }
    assert_eq!(text(gateway.get("/orders").await).await, "answered");
}

#[tokio::test]
async fn a_problem_of_a_service_passes_as_it_is() {
    let declined = get(async || Problem::conflict("too late"));
    let gateway = Fixture::before(Router::new().route("/orders", declined)).await;
    assert_eq!(problem(gateway.get("/orders").await, 409).await, "too late");
}

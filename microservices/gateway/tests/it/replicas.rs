//! A service with several replicas, of which one may be gone.

use axum::Router;
use axum::routing::{any, get};
use gateway::Upstream;
use reqwest::{Method, StatusCode};
use tokio::net::TcpListener;

use crate::fixture::{Fixture, serve, text};

async fn healthy() -> chassis::Running {
    let echo = any(async |body: String| body);
    serve(Router::new().route("/orders", echo)).await
}

/// How many of `count` requests, one after another, are not answered with 200 and their own body.
async fn unanswered(gateway: &Fixture, method: Method, count: usize) -> usize {
    let mut unanswered = 0;
    for n in 0..count {
        let body = format!("request {n}");
        let request = gateway
            .request(method.clone(), "/orders")
            .body(body.clone());
        let response = request.send().await.unwrap();
        let is_answer = response.status() == StatusCode::OK;
        if !is_answer || response.text().await.unwrap() != body {
            unanswered += 1;
        }
    }
    unanswered
}

#[tokio::test]
async fn replicas_of_a_service_take_turns() {
    let named = |name: &'static str| serve(Router::new().route("/orders", get(async move || name)));
    let (one, two) = (named("one").await, named("two").await);
    let both = format!("{},{}", one.url(), two.url());
    let gateway = Fixture::open([one.url(), both], |_| {}).await;

    let mut answers = vec![];
    for _ in 0..4 {
        answers.push(text(gateway.get("/orders").await).await);
    }
    assert_eq!(answers, ["one", "two", "one", "two"]);
    assert!("http://a:1,".parse::<Upstream>().is_err());
}

#[tokio::test]
async fn a_dead_replica_costs_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for method in [Method::GET, Method::POST] {
        let healthy = healthy().await;
        let both = format!("{dead},{}", healthy.url());
        let gateway = Fixture::open([healthy.url(), both], |_| {}).await;
        assert_eq!(unanswered(&gateway, method, 20).await, 0);
    }
}

/// The kernel accepts the connections of a process that is stopped.
#[tokio::test]
async fn a_frozen_replica_costs_a_few_requests() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let frozen = format!("http://{}", listener.local_addr().unwrap());
    for method in [Method::GET, Method::POST] {
        let healthy = healthy().await;
        let both = format!("{frozen},{}", healthy.url());
        let short = |settings: &mut gateway::Settings| settings.serving.request_timeout_ms = 200;
        let gateway = Fixture::open([healthy.url(), both], short).await;
        let unanswered = unanswered(&gateway, method, 40).await;
        assert!(unanswered <= 3, "{unanswered} of 40");
    }
}

#[tokio::test]
async fn a_replica_that_hangs_receives_no_request_that_others_can_answer_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let frozen = format!("http://{}", listener.local_addr().unwrap());
    let healthy = healthy().await;
    let both = format!("{frozen},{}", healthy.url());
    let gateway = Fixture::open([healthy.url(), both], |_| {}).await;

    // The first request hangs at the frozen replica for 10 s, and is the only one.
    let hanging = tokio::spawn(gateway.request(Method::GET, "/orders").send());
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = [0; 64];
    tokio::io::AsyncReadExt::read(&mut stream, &mut head)
        .await
        .unwrap();

    assert_eq!(unanswered(&gateway, Method::GET, 20).await, 0);
    hanging.abort();
}

//! A service with replicas of which one is gone.

use axum::Router;
use axum::routing::any;
use reqwest::{Method, StatusCode};
use tokio::net::TcpListener;

use crate::{Door, serve};

async fn healthy() -> chassis::Running {
    let echo = any(async |body: String| body);
    serve(Router::new().route("/orders", echo)).await
}

/// How many of `count` requests, one after another, are not answered with 200 and their own body.
async fn unanswered(door: &Door, method: Method, count: usize) -> usize {
    let mut unanswered = 0;
    for n in 0..count {
        let body = format!("request {n}");
        let request = door.request(method.clone(), "/orders").body(body.clone());
        let response = request.send().await.unwrap();
        let is_answer = response.status() == StatusCode::OK;
        if !is_answer || response.text().await.unwrap() != body {
            unanswered += 1;
        }
    }
    unanswered
}

#[tokio::test]
async fn a_dead_replica_costs_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for method in [Method::GET, Method::POST] {
        let healthy = healthy().await;
        let both = format!("{dead},{}", healthy.url());
        let door = Door::open([healthy.url(), both], |_| {}).await;
        assert_eq!(unanswered(&door, method, 20).await, 0);
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
        let door = Door::open([healthy.url(), both], short).await;
        let unanswered = unanswered(&door, method, 40).await;
        assert!(unanswered <= 3, "{unanswered} of 40");
    }
}

#[tokio::test]
async fn a_replica_that_hangs_is_not_sent_what_others_can_answer_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let frozen = format!("http://{}", listener.local_addr().unwrap());
    let healthy = healthy().await;
    let both = format!("{frozen},{}", healthy.url());
    let door = Door::open([healthy.url(), both], |_| {}).await;

    // The first request hangs at the frozen replica for 10 s, and is the only one.
    let hanging = tokio::spawn(door.request(Method::GET, "/orders").send());
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = [0; 64];
    tokio::io::AsyncReadExt::read(&mut stream, &mut head)
        .await
        .unwrap();

    assert_eq!(unanswered(&door, Method::GET, 20).await, 0);
    hanging.abort();
}

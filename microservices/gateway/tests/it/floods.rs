//! A flood of one kind of requests refuses none of another.

use axum::Router;
use axum::extract::Request;
use axum::routing::{any, get};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::fixture::{Fixture, problem, serve, text};

/// A login of which only the head is sent.
async fn without_a_body(gateway: &Fixture) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.running.address()).await.unwrap();
    let head = b"POST /auth/login HTTP/1.1\r\nhost: shop\r\ncontent-length: 40\r\n\r\n";
    stream.write_all(head).await.unwrap();
    stream
}

#[tokio::test]
async fn requests_without_their_bodies_keep_no_other_out() {
    let read = any(async |body: String| body);
    let auth = serve(Router::new().route("/auth/{*rest}", read)).await;
    let orders = serve(Router::new().route("/products", get(async || "products"))).await;
    let gateway = Fixture::open([auth.url(), orders.url()], |_| {}).await;
    // Three times what may wait for the services.
    let mut silent = vec![];
    for _ in 0..30 {
        silent.push(without_a_body(&gateway).await);
    }

    for _ in 0..20 {
        assert_eq!(text(gateway.get("/products").await).await, "products");
        let login = gateway.request(Method::POST, "/auth/login").body("whole");
        assert_eq!(text(login.send().await.unwrap()).await, "whole");
    }
    assert_eq!(silent.len(), 30);
}

#[tokio::test]
async fn slow_bodies_have_few_places_of_their_own_and_end_with_a_408() {
    let read = any(async |body: String| body);
    let auth = serve(Router::new().route("/auth/{*rest}", read)).await;
    let gateway = Fixture::open([auth.url(), auth.url()], |settings| {
        settings.serving.request_timeout_ms = 2_000;
    });
    let gateway = gateway.await;
    let mut silent = vec![];
    for _ in 0..12 {
        silent.push(without_a_body(&gateway).await);
    }

    let mut statuses = vec![];
    for stream in &mut silent {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        statuses.push(String::from_utf8_lossy(&answer[9..]).into_owned());
    }
    statuses.sort();
    // Of 10 places an eighth, which is two.
    let expected = [vec!["408"; 2], vec!["503"; 10]].concat();
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn a_flood_of_orders_refuses_no_product() {
    let (arrived, mut has_arrived) = mpsc::channel(10);
    let hang = any(async move |request: Request| {
        arrived.send(()).await.unwrap();
        drop(request);
        std::future::pending::<String>().await
    });
    let routes = Router::new()
        .route("/products", get(async || "products"))
        .route("/orders", hang);
    let orders = serve(routes).await;
    let auth = serve(Router::new().route("/auth/{*rest}", any(async || "auth"))).await;
    let limit = 2;
    let gateway = Fixture::open([auth.url(), orders.url()], |settings| {
        settings.concurrency_limit = limit;
    });
    let gateway = gateway.await;
    let mut flood = vec![];
    for _ in 0..limit {
        flood.push(tokio::spawn(
            gateway.request(Method::POST, "/orders").send(),
        ));
        has_arrived.recv().await.unwrap();
    }

    let one_more = gateway
        .request(Method::POST, "/orders")
        .send()
        .await
        .unwrap();
    problem(one_more, 503).await;
    assert_eq!(text(gateway.get("/products").await).await, "products");
    let login = gateway
        .request(Method::POST, "/auth/login")
        .send()
        .await
        .unwrap();
    assert_eq!(text(login).await, "auth");
    flood.iter().for_each(tokio::task::JoinHandle::abort);
}

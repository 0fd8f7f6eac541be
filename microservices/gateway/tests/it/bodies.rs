//! Bodies of requests and answers: streamed, limited, and broken off.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use futures::StreamExt;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::fixture::{Fixture, problem, text};

#[tokio::test]
async fn bodies_stream_both_ways() {
    let echo = any(async |request: Request| Body::new(request.into_body()));
    let gateway = Fixture::before(Router::new().route("/orders", echo)).await;

    let (send, receive) = mpsc::channel::<Result<&'static str, std::io::Error>>(1);
    let chunks = futures::stream::unfold(receive, async |mut receive| {
        receive.recv().await.map(|chunk| (chunk, receive))
    });
    let request = gateway
        .request(Method::POST, "/orders")
        .body(reqwest::Body::wrap_stream(chunks));
    let mut answer = request.send().await.unwrap().bytes_stream();

    // The second piece is sent only when the first has come back.
    for piece in ["first", "second"] {
        send.send(Ok(piece)).await.unwrap();
        assert_eq!(answer.next().await.unwrap().unwrap(), piece);
    }
    drop(send);
    assert!(answer.next().await.is_none());
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_cut_off() {
    let read = any(async |body: String| body.len().to_string());
    let gateway = Fixture::before(Router::new().route("/orders", read)).await;
    let chunk = || Ok::<_, std::io::Error>(vec![b' '; 16 * 1024]);

    let whole = gateway
        .request(Method::POST, "/orders")
        .body(" ".repeat(64 * 1024));
    assert_eq!(text(whole.send().await.unwrap()).await, "65536");

    let too_large = gateway
        .request(Method::POST, "/orders")
        .body(" ".repeat(64 * 1024 + 1));
    problem(too_large.send().await.unwrap(), 413).await;

    let chunks = futures::stream::iter((0..8).map(move |_| chunk()));
    let unknown = gateway
        .request(Method::POST, "/orders")
        .body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(unknown.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_mistake() {
    let read = any(async |body: String| body);
    let gateway = Fixture::before(Router::new().route("/orders", read)).await;
    let request = format!(
        "POST /orders HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {}\r\n\
         transfer-encoding: chunked\r\n\r\nno length\r\n",
        gateway.token
    );
    let mut stream = TcpStream::connect(gateway.running.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

//! The limits of the listeners, and the admin listener.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::{get, post};
use chassis::config::Serving;
use chassis::{Json, Running, launch};
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

async fn serve(serving: Serving) -> Running {
    let routes = Router::new()
        .route("/hello", get(async || "hello"))
        .route("/echo", post(async |Json(body): Json<String>| body));
    let stop = CancellationToken::new();
    let server = launch("test", serving, stop, async |_| Ok(routes));
    server.await.unwrap()
}

/// Sends these bytes as they are, and returns the answer until the server closes the connection.
async fn raw(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

const PROBLEM: &str = "content-type: application/problem+json";

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_a_408_problem() {
    let server = serve(Serving {
        request_timeout_ms: 400,
        ..Serving::on_free_port()
    });
    let server = server.await;
    let head = "POST /echo HTTP/1.1\r\nhost: shop\r\n\
                content-type: application/json\r\ncontent-length: 10\r\n\r\n\"half";
    let answer = raw(server.address(), head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(PROBLEM), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_a_problem() {
    let server = serve(Serving::on_free_port()).await;
    let check = async |address: &str, fields: &str, status: &str| {
        let head =
            format!("GET {address} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{fields}\r\n");
        let answer = raw(server.address(), &head).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert_eq!(answer.contains(PROBLEM), status != "200", "{answer}");
    };
    let long = |length: usize| format!("/hello?{}", "x".repeat(length));
    let fields = |count: usize| "x-field: 1\r\n".repeat(count);
    let wide = |bytes: usize| format!("x-field: {}\r\n", "x".repeat(bytes));

    check(&long(8_000), "", "200").await;
    check(&long(9_000), "", "414").await;
    check(&long(60_000), "", "414").await;
    check("/hello", &fields(60), "200").await;
    check("/hello", &fields(70), "431").await;
    check("/hello", &wide(16_000), "200").await;
    check("/hello", &wide(20_000), "431").await;
}

/// hyper answers these before any of our code runs, and has no hook for it.
#[tokio::test]
async fn requests_that_hyper_refuses_get_no_document() {
    let server = serve(Serving::on_free_port()).await;
    let check = async |request: &str, status: &str| {
        let answer = raw(server.address(), request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("content-length: 0"), "{answer}");
    };
    let fields = "x-field: 1\r\n".repeat(101);
    check("no request\r\n\r\n", "400").await;
    check(&format!("GET / HTTP/1.1\r\n{fields}\r\n"), "431").await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_with_503() {
    let serving = Serving {
        connection_limit: 2,
        ..Serving::on_free_port()
    };
    let server = serve(serving).await;
    let request = "GET /hello HTTP/1.1\r\nhost: shop\r\n\r\n";
    let mut open = vec![];
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        open.push(stream);
    }

    let refused = raw(server.address(), request).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(
        refused.contains(PROBLEM) && refused.contains("retry-after: 1\r\n"),
        "{refused}"
    );

    // Closed connections free their permits as soon as the server has seen the close.
    drop(open);
    let url = server.url() + "/hello";
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let answer = reqwest::get(&url).await;
        if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "no permit was freed"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_admin_listener_takes_health_and_metrics_off_the_public_listener() {
    let serving = Serving {
        admin_addr: Some(Serving::on_free_port().listen_addr),
        ..Serving::on_free_port()
    };
    let server = serve(serving).await;
    let admin = format!("http://{}", server.admin_address().unwrap());
    let status = async |url: String| reqwest::get(url).await.unwrap().status().as_u16();

    assert_eq!(status(server.url() + "/hello").await, 200);
    assert_eq!(status(format!("{admin}/hello")).await, 404);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(status(server.url() + path).await, 404, "{path}");
        assert_eq!(status(format!("{admin}{path}")).await, 200, "{path}");
    }
    server.stop().await.unwrap();
    assert!(reqwest::get(format!("{admin}/healthz")).await.is_err());
}

#[tokio::test]
async fn a_process_without_routes_may_have_an_admin_listener() {
    let serving = Serving {
        admin_addr: Some(Serving::on_free_port().listen_addr),
        ..Serving::on_free_port()
    };
    let stop = CancellationToken::new();
    let server = launch("test", serving, stop, async |_| Ok(Router::new()));
    let server = server.await.unwrap();
    let nothing = reqwest::get(server.url() + "/readyz").await.unwrap();
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
}

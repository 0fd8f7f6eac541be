//! The gateway in front of real servers, over HTTP.

// Helpers of tests may unwrap, like the tests themselves.
#![allow(clippy::unwrap_used)]

#[path = "it/floods.rs"]
mod floods;
#[path = "it/replicas.rs"]
mod replicas;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::routing::{any, get};
use chassis::auth::{KeyPair, TokenIssuer};
use chassis::config::{Serving, TokenKey, TokenSigning};
use chassis::{Json, Problem, Running, launch};
use contracts::http::TOKEN_ISSUER;
use domain::CustomerId;
use futures::StreamExt;
use gateway::{Settings, Upstream};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The gateway, with the services behind it.
struct Door {
    gateway: Running,
    _services: Vec<Running>,
    token: String,
}

impl Door {
    /// In front of an auth service that says so, and an order service with these routes.
    async fn before(orders: Router) -> Door {
        let auth = serve(Router::new().route("/auth/{*rest}", any(async || "auth"))).await;
        let orders = serve(orders).await;
        let urls = [auth.url(), orders.url()];
        let door = Door::open(urls, |_| {}).await;
        Door {
            _services: vec![auth, orders],
            ..door
        }
    }

    async fn open([auth, orders]: [String; 2], change: impl FnOnce(&mut Settings)) -> Door {
        let keys = KeyPair::generate();
        let mut settings = Settings {
            serving: Serving::on_free_port(),
            token_key: TokenKey {
                auth_public_key: keys.public,
            },
            auth_service_url: auth.parse().unwrap(),
            order_service_url: orders.parse().unwrap(),
            concurrency_limit: 10,
        };
        change(&mut settings);
        let serving = settings.serving.clone();
        let gateway = launch("gateway", serving, CancellationToken::new(), |context| {
            gateway::start(settings, context)
        });
        let issuer = TokenIssuer::new(
            &TokenSigning {
                auth_private_key: keys.private,
                auth_token_life_s: 60,
            },
            TOKEN_ISSUER,
        );
        Door {
            gateway: gateway.await.unwrap(),
            _services: vec![],
            token: issuer.unwrap().issue(CustomerId::new().0).unwrap(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = Client::new().request(method, self.gateway.url() + path);
        request.bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
}

async fn serve(routes: Router) -> Running {
    let stop = CancellationToken::new();
    launch("service", Serving::on_free_port(), stop, async |_| Ok(routes))
        .await
        .unwrap()
}

async fn text(response: Response) -> String {
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

/// The document's detail, after a check that it is one.
async fn problem(response: Response, status: u16) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    problem["detail"].as_str().unwrap().to_owned()
}

/// Answers with the headers it was sent.
async fn echo_headers(headers: HeaderMap) -> Json<BTreeMap<String, String>> {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    Json(
        headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
    )
}

#[tokio::test]
async fn a_path_finds_its_service() {
    let echo =
        any(async |request: Request| format!("order {} {}", request.method(), request.uri()));
    let orders = Router::new()
        .route("/orders", echo.clone())
        .route("/orders/{*rest}", echo.clone())
        .route("/products", echo.clone())
        .route("/products/{*rest}", echo);
    let door = Door::before(orders).await;
    let check = async |method: Method, path: &str, expected: &str| {
        let response = door.request(method, path).send().await.unwrap();
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

    problem(door.get("/nowhere").await, 404).await;
    problem(door.get("/auth").await, 404).await;
}

#[tokio::test]
async fn orders_need_a_token_and_products_do_not() {
    let routes = Router::new()
        .route("/orders", get(async || "orders"))
        .route("/products", get(async || "products"));
    let door = Door::before(routes).await;

    let response = reqwest::get(door.gateway.url() + "/orders").await.unwrap();
    problem(response, 401).await;
    let forged = format!("{}A", door.token);
    let request = Client::new()
        .get(door.gateway.url() + "/orders")
        .bearer_auth(forged);
    problem(request.send().await.unwrap(), 401).await;

    assert_eq!(text(door.get("/orders").await).await, "orders");
    let response = reqwest::get(door.gateway.url() + "/products")
        .await
        .unwrap();
    assert_eq!(text(response).await, "products");
}

#[tokio::test]
async fn the_request_id_and_the_trace_go_on() {
    let door = Door::before(Router::new().route("/orders", get(echo_headers))).await;
    let request = door
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
        "the hop is a step of its own"
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
    let door = Door::before(Router::new().route("/orders", orders)).await;
    let request = door
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

#[tokio::test]
async fn bodies_stream_both_ways() {
    let echo = any(async |request: Request| Body::new(request.into_body()));
    let door = Door::before(Router::new().route("/orders", echo)).await;

    let (send, receive) = mpsc::channel::<Result<&'static str, std::io::Error>>(1);
    let chunks = futures::stream::unfold(receive, async |mut receive| {
        receive.recv().await.map(|chunk| (chunk, receive))
    });
    let request = door
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
    let door = Door::before(Router::new().route("/orders", read)).await;
    let chunk = || Ok::<_, std::io::Error>(vec![b' '; 16 * 1024]);

    let whole = door
        .request(Method::POST, "/orders")
        .body(" ".repeat(64 * 1024));
    assert_eq!(text(whole.send().await.unwrap()).await, "65536");

    let too_large = door
        .request(Method::POST, "/orders")
        .body(" ".repeat(64 * 1024 + 1));
    problem(too_large.send().await.unwrap(), 413).await;

    let chunks = futures::stream::iter((0..8).map(move |_| chunk()));
    let unknown = door
        .request(Method::POST, "/orders")
        .body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(unknown.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_mistake() {
    let read = any(async |body: String| body);
    let door = Door::before(Router::new().route("/orders", read)).await;
    let request = format!(
        "POST /orders HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {}\r\n\
         transfer-encoding: chunked\r\n\r\nno length\r\n",
        door.token
    );
    let mut stream = TcpStream::connect(door.gateway.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

#[tokio::test]
async fn a_service_that_is_down_is_a_502() {
    let down = "http://127.0.0.1:1".to_owned();
    let door = Door::open([down.clone(), down], |_| {}).await;
    let detail = problem(door.get("/products").await, 502).await;
    assert!(detail.contains("does not answer"));
}

#[tokio::test]
async fn replicas_of_a_service_take_turns() {
    let named = |name: &'static str| serve(Router::new().route("/orders", get(async move || name)));
    let (one, two) = (named("one").await, named("two").await);
    let both = format!("{},{}", one.url(), two.url());
    let door = Door::open([one.url(), both], |_| {}).await;

    let mut answers = vec![];
    for _ in 0..4 {
        answers.push(text(door.get("/orders").await).await);
    }
    assert_eq!(answers, ["one", "two", "one", "two"]);
    assert!("http://a:1,".parse::<Upstream>().is_err());
}

#[tokio::test]
async fn a_service_that_is_slow_is_a_504() {
    let hang = get(async || std::future::pending::<String>().await);
    let orders = serve(Router::new().route("/orders", hang)).await;
    let urls = [orders.url(), orders.url()];
    let door = Door::open(urls, |settings| settings.serving.request_timeout_ms = 50).await;
    problem(door.get("/orders").await, 504).await;
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
    let door = Door::open(urls, |settings| settings.concurrency_limit = 2).await;

    let first = tokio::spawn(door.request(Method::GET, "/orders").send());
    let second = tokio::spawn(door.request(Method::GET, "/orders").send());
    has_arrived.recv().await.unwrap();
    has_arrived.recv().await.unwrap();
    let third = door.get("/orders").await;
    assert_eq!(third.headers()["retry-after"], "1");
    problem(third, 503).await;

    go_on.send(true).unwrap();
    for answer in [first, second] {
        assert_eq!(text(answer.await.unwrap().unwrap()).await, "answered");
    }
    assert_eq!(text(door.get("/orders").await).await, "answered");
}

#[tokio::test]
async fn a_problem_of_a_service_passes_as_it_is() {
    let declined = get(async || Problem::conflict("too late"));
    let door = Door::before(Router::new().route("/orders", declined)).await;
    assert_eq!(problem(door.get("/orders").await, 409).await, "too late");
}

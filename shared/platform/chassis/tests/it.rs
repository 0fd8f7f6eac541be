//! What a process built on the chassis promises, seen from outside.

// Helpers of tests may unwrap, like the tests themselves.
#![allow(clippy::unwrap_used)]

#[path = "it/doors.rs"]
mod doors;

use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use chassis::auth::{Bearer, KeyPair, TokenIssuer, TokenVerifier};
use chassis::config::{Serving, TokenKey, TokenSigning};
use chassis::{Json, Path, Problem, Query, Running, Trace, launch};
use reqwest::{Client, Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

#[path = "it/background.rs"]
mod background;

#[derive(Deserialize, Serialize)]
struct Basket {
    lines: Vec<Line>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    quantity: u32,
}

#[derive(Deserialize)]
struct Page {
    limit: u8,
}

#[derive(Clone, FromRef)]
struct State {
    tokens: TokenVerifier,
}

fn routes() -> Router {
    Router::new()
        .route(
            "/baskets",
            post(async |Json(basket): Json<Basket>| Json(basket)),
        )
        .route(
            "/baskets/{id}",
            get(async |Path(id): Path<uuid::Uuid>| id.to_string()),
        )
        .route(
            "/page",
            get(async |Query(page): Query<Page>| page.limit.to_string()),
        )
        .route("/panic", get(async || -> String { panic!("a bug") }))
        .route(
            "/hang",
            get(async || std::future::pending::<String>().await),
        )
        .route("/trace", get(async |Trace(trace): Trace| trace.to_string()))
        .route("/broken", get(async || Problem::internal("a secret cause")))
}

async fn start() -> Running {
    let serving = Serving {
        request_timeout_ms: 200,
        ..Serving::anywhere()
    };
    let stop = CancellationToken::new();
    launch("test", serving, stop, async |_| Ok(routes()))
        .await
        .unwrap()
}

/// A problem document, checked to be one.
async fn problem(response: Response) -> Value {
    let status = response.status().as_u16();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.headers().contains_key("x-request-id"));
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["type"].is_string());
    problem
}

fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_body_that_cannot_be_accepted_is_a_problem() {
    let server = start().await;
    let check = async |kind: &str, body: &str, status: u16, named: &[&str]| {
        let request = Client::new()
            .post(server.url() + "/baskets")
            .header("content-type", kind);
        let response = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), status, "{body:.40}");
        let problem = problem(response).await;
        if !named.is_empty() {
            assert_eq!(fields(&problem), named);
        }
    };
    let json = "application/json";
    let huge = format!(r#"{{"lines": [{}]}}"#, " ".repeat(70_000));

    check("text/plain", r#"{"lines": []}"#, 415, &[]).await;
    check(json, "", 400, &[]).await;
    check(json, r#"{"lines": "#, 400, &[]).await;
    check(json, r#"{"lines": []} tail"#, 400, &[]).await;
    check(json, "\u{0}", 400, &[]).await;
    check(json, &"[".repeat(10_000), 400, &[]).await;
    check(json, "{}", 422, &["body"]).await;
    check(json, &huge, 413, &[]).await;
    check(json, r#"{"lines": 3}"#, 422, &["lines"]).await;
    check(json, "[[{\"quantity\": 1}]]", 400, &["body"]).await;
    check(json, r#"{"lines": [[1]]}"#, 400, &["lines[0]"]).await;
    check(
        json,
        r#"{"lines": [{"quantity": 1}, {"quantity": -1}]}"#,
        422,
        &["lines[1].quantity"],
    )
    .await;
    check(
        json,
        r#"{"lines": [{"quantity": 1, "price": 1}]}"#,
        422,
        &["lines[0].price"],
    )
    .await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_limited_too() {
    let server = start().await;
    let chunks = (0..80).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let request = Client::new()
        .post(server.url() + "/baskets")
        .header("content-type", "application/json");
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    problem(response).await;
}

#[tokio::test]
async fn a_path_and_a_query_name_what_is_wrong() {
    let server = start().await;
    let check = async |path: &str, named: &[&str]| {
        let response = reqwest::get(server.url() + path).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(fields(&problem(response).await), named);
    };
    check("/baskets/seven", &["id"]).await;
    check("/baskets/%ff", &["id"]).await;
    check("/page?limit=300", &["limit"]).await;
    check("/page?limit=", &["limit"]).await;
}

#[tokio::test]
async fn nothing_a_handler_does_escapes() {
    let server = start().await;
    let check = async |method: Method, path: &str, status: u16| {
        let request = Client::new().request(method, server.url() + path);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        problem(response).await
    };
    check(Method::GET, "/panic", 500).await;
    check(Method::GET, "/hang", 504).await;
    check(Method::GET, "/nowhere", 404).await;
    check(Method::DELETE, "/baskets", 405).await;
    let broken = check(Method::GET, "/broken", 500).await;
    assert!(!broken.to_string().contains("secret"));
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = start().await;
    let response = reqwest::get(server.url() + "/baskets").await.unwrap();
    assert_eq!(response.headers()["allow"], "POST");
}

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

#[tokio::test]
async fn readiness_follows_what_the_service_needs() {
    let (tell, told) = tokio::sync::watch::channel(false);
    let server = launch(
        "test",
        Serving::anywhere(),
        CancellationToken::new(),
        async |context| {
            context.ready_when("broker", move || std::future::ready(*told.borrow()));
            Ok(Router::new())
        },
    );
    let server = server.await.unwrap();
    let ready = async || reqwest::get(server.url() + "/readyz").await.unwrap();

    let response = ready().await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(fields(&problem(response).await), ["broker"]);

    tell.send(true).unwrap();
    assert_eq!(ready().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn open_requests_are_answered_before_the_end() {
    let (arrived, has_arrived) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let signals = std::sync::Arc::new(std::sync::Mutex::new(Some((arrived, may_go_on))));
    let slow = get(async move || {
        let (arrived, may_go_on) = signals.lock().unwrap().take().unwrap();
        arrived.send(()).unwrap();
        may_go_on.await.unwrap();
        "answered"
    });
    let stop = CancellationToken::new();
    let routes = Router::new().route("/slow", slow);
    let server = launch("test", Serving::anywhere(), stop, async |_| Ok(routes))
        .await
        .unwrap();

    let request = tokio::spawn(reqwest::get(server.url() + "/slow"));
    has_arrived.await.unwrap();
    let stopped = tokio::spawn(server.stop());
    go_on.send(()).unwrap();

    let answer = request.await.unwrap().unwrap().text().await.unwrap();
    assert_eq!(answer, "answered");
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_failing_background_task_ends_the_service() {
    let stop = CancellationToken::new();
    let server = launch("test", Serving::anywhere(), stop, async |context| {
        context.background("work", async {
            Err::<(), _>(anyhow::anyhow!("out of work"))
        });
        Ok(Router::new())
    });
    let ended = tokio::time::timeout(Duration::from_secs(5), server.await.unwrap().ended());
    assert!(ended.await.unwrap().is_err());
}

#[tokio::test]
async fn a_taken_port_is_one_clear_line() {
    let first = start().await;
    let serving = Serving {
        listen_addr: first.address(),
        ..Serving::anywhere()
    };
    let second = launch("test", serving, CancellationToken::new(), async |_| {
        Ok(routes())
    });
    let error = format!("{:#}", second.await.err().unwrap());
    assert!(
        error.contains("choose another address with LISTEN_ADDR"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1);
}

#[tokio::test]
async fn only_a_good_token_proves_a_customer() {
    let (ours, others) = (KeyPair::generate(), KeyPair::generate());
    let issuer = |keys: &KeyPair, auth_token_life_s| {
        let auth_private_key = keys.private.clone();
        let settings = TokenSigning {
            auth_private_key,
            auth_token_life_s,
        };
        TokenIssuer::new(&settings, "tests").unwrap()
    };
    let auth_public_key = ours.public.clone();
    let tokens = TokenVerifier::new(&TokenKey { auth_public_key }, "tests").unwrap();
    let routes = Router::new()
        .route("/me", get(async |Bearer(id): Bearer| id.to_string()))
        .with_state(State { tokens });
    let stop = CancellationToken::new();
    let server = launch("test", Serving::anywhere(), stop, async |_| Ok(routes))
        .await
        .unwrap();
    let me = async |authorization: &str| {
        let request = Client::new().get(server.url() + "/me");
        request
            .header("authorization", authorization)
            .send()
            .await
            .unwrap()
    };
    let customer = uuid::Uuid::now_v7();

    let token = issuer(&ours, 60).issue(customer).unwrap();
    let response = me(&format!("Bearer {token}")).await;
    assert_eq!(response.text().await.unwrap(), customer.to_string());

    let (head, signature) = token.rsplit_once('.').unwrap();
    let forged = issuer(&others, 60).issue(customer).unwrap();
    let expired = issuer(&ours, 0).issue(customer).unwrap();
    for bad in [
        "",
        "Bearer",
        "Bearer ",
        &format!("Basic {token}"),
        &format!("Bearer {head}"),
        &format!("Bearer {head}."),
        &format!("Bearer {head}.{}", &signature[1..]),
        &format!("Bearer {forged}"),
        &format!("Bearer {expired}"),
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ] {
        let response = me(bad).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{bad}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        problem(response).await;
    }
}

#[tokio::test]
async fn a_key_on_one_line_is_read() {
    let keys = KeyPair::generate();
    let folded = keys.public.expose().replace('\n', "\\n");
    let auth_public_key = chassis::config::Secret::new(folded);
    assert!(TokenVerifier::new(&TokenKey { auth_public_key }, "tests").is_ok());

    let auth_public_key = keys.private;
    let error = TokenVerifier::new(&TokenKey { auth_public_key }, "tests")
        .err()
        .unwrap();
    assert!(error.to_string().contains("AUTH_PUBLIC_KEY"));
}

#[test]
fn an_unreachable_database_says_what_to_do() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    // Nothing listens on port 1. With the clock paused the attempts take no time.
    let settings = chassis::config::Database::new("postgres://shop:hunter2@127.0.0.1:1/shop");
    let server = launch(
        "test",
        Serving::anywhere(),
        CancellationToken::new(),
        async |context| {
            chassis::database::connect(&settings, [], &context).await?;
            Ok(Router::new())
        },
    );
    let error = format!("{:#}", runtime.block_on(server).err().unwrap());
    assert!(
        error.contains("cannot reach a database at 127.0.0.1:1"),
        "{error}"
    );
    assert!(!error.contains("hunter2"));
}

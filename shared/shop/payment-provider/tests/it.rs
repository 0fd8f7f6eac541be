//! The provider over HTTP.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use payment_provider::{Behaviour, Provider, Status};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

const ORDER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

async fn post(provider: &Provider, path: &str, body: Value) -> (StatusCode, Value) {
    let client = Client::new();
    let request = client.post(format!("{}{path}", provider.url())).json(&body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn authorize(provider: &Provider, method: &str) -> (StatusCode, Value) {
    let body = json!({
        "order_id": ORDER, "amount_minor": 1999, "currency": "EUR", "payment_method": method,
    });
    post(provider, "/authorizations", body).await
}

async fn act(provider: &Provider, action: &str) -> (StatusCode, Value) {
    post(
        provider,
        &format!("/authorizations/{ORDER}/{action}"),
        Value::Null,
    )
    .await
}

#[tokio::test]
async fn money_is_authorized_captured_and_refunded() {
    let provider = payment_provider::testing::provider().await;
    let ok = |status: &str| (StatusCode::OK, json!({ "status": status }));
    assert_eq!(authorize(&provider, "tok_ok").await, ok("authorized"));
    assert_eq!(authorize(&provider, "tok_ok").await, ok("authorized"));
    assert_eq!(act(&provider, "capture").await, ok("captured"));
    assert_eq!(act(&provider, "refund").await, ok("refunded"));

    let (status, problem) = act(&provider, "capture").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["detail"], "a Refunded payment cannot be Captured");
    let entries = provider.ledger();
    assert_eq!((entries.len(), entries[0].status), (1, Status::Refunded));
}

#[tokio::test]
async fn an_array_is_no_object() {
    let provider = payment_provider::testing::provider().await;
    let fields = json!([ORDER, 1999, "EUR", "tok_ok"]);
    let (status, problem) = post(&provider, "/authorizations", fields).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    assert_eq!(problem["status"], 400);
    assert!(provider.ledger().is_empty());

    let url = format!("{}/behaviour", provider.url());
    let request = Client::new().put(url).json(&json!([0, 1.0, 0.0, 0.0, 1]));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        authorize(&provider, "tok_ok").await.1["status"],
        "authorized"
    );
}

#[tokio::test]
async fn a_declined_method_authorizes_nothing() {
    let provider = payment_provider::testing::provider().await;
    let (status, answer) = authorize(&provider, "tok_declined").await;
    assert_eq!(
        (status, answer),
        (StatusCode::OK, json!({ "status": "declined" }))
    );
    assert_eq!(provider.ledger()[0].status, Status::Declined);
}

#[tokio::test]
async fn the_sweep_finds_what_is_only_authorized_and_old_enough() {
    let provider = payment_provider::testing::provider().await;
    authorize(&provider, "tok_ok").await;
    let list = async |query: &str| -> Vec<Value> {
        let url = format!("{}/authorizations?{query}", provider.url());
        reqwest::get(url).await.unwrap().json().await.unwrap()
    };

    assert_eq!(list("status=authorized").await[0]["order_id"], ORDER);
    assert!(
        list("status=authorized&older_than_ms=600000")
            .await
            .is_empty()
    );
    act(&provider, "void").await;
    assert!(list("status=authorized").await.is_empty());
}

#[tokio::test]
async fn it_has_faults_only_when_they_are_set() {
    let provider = payment_provider::testing::provider().await;
    provider.set_behaviour(Behaviour {
        error_rate: 1.0,
        ..Behaviour::default()
    });
    let (status, _) = authorize(&provider, "tok_ok").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);

    provider.set_behaviour(Behaviour {
        hang_rate: 1.0,
        ..Behaviour::default()
    });
    let hanging = tokio::time::timeout(Duration::from_millis(200), authorize(&provider, "tok_ok"));
    assert!(hanging.await.is_err());

    provider.set_behaviour(Behaviour::default());
    let (status, _) = authorize(&provider, "tok_ok").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn bad_requests_get_problem_documents() {
    let provider = payment_provider::testing::provider().await;
    let client = Client::new();
    let behaviour = format!("{}/behaviour", provider.url());
    let put = async |body: &str| {
        let request = client
            .put(&behaviour)
            .header("content-type", "application/json");
        let response = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        response.status()
    };

    assert_eq!(put("{").await, StatusCode::BAD_REQUEST);
    assert_eq!(
        put(r#"{"decline_rate": 2}"#).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        put(r#"{"declines": 1}"#).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let large = format!("\"{}\"", "x".repeat(20_000));
    assert_eq!(put(&large).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let provider = payment_provider::testing::provider().await;
    let error = Provider::start(provider.address()).await.unwrap_err();
    let port = provider.address().port();
    assert_eq!(
        error.to_string(),
        format!("port {port} is taken: choose another, or none to have a free one picked")
    );
}

#[tokio::test]
async fn a_restart_forgets_nothing_that_was_answered() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ledger");
    let address = (Ipv4Addr::LOCALHOST, 0).into();

    let first = Provider::start_with_ledger(address, &file).await.unwrap();
    authorize(&first, "tok_ok").await;
    act(&first, "capture").await;
    let before = first.ledger();
    drop(first);
    // As if it had crashed while it appended the next line.
    let mut journal = File::options().append(true).open(&file).unwrap();
    journal.write_all(br#"{"order_id":"01890a5d-"#).unwrap();

    let second = Provider::start_with_ledger(address, &file).await.unwrap();
    assert_eq!(second.ledger(), before);
    assert_eq!(act(&second, "refund").await.0, StatusCode::OK);
    drop(second);

    let third = Provider::start_with_ledger(address, &file).await.unwrap();
    assert_eq!(third.ledger()[0].status, Status::Refunded);
}

#[tokio::test]
async fn a_file_that_is_not_a_ledger_stays_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("letter");
    std::fs::write(&file, "Dear Ada,\n").unwrap();
    let address = (Ipv4Addr::LOCALHOST, 0).into();

    let error = Provider::start_with_ledger(address, &file)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot use {}", file.display())),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "Dear Ada,\n");
}

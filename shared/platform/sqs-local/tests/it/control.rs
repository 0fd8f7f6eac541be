//! The control endpoint: looking inside, over HTTP and from Rust.

use futures::FutureExt;
use serde_json::{Value, json};

use super::support::{call, http, http_with, server_with_messages};

#[tokio::test]
async fn queues_calls_and_messages_can_be_seen_over_http() {
    let server = server_with_messages(3).await;
    call(&server, "ReceiveMessage", json!({ "QueueUrl": "q" }))
        .await
        .unwrap();

    let (_, queues) = http(server.address(), "GET", "/control/queues", "").await;
    let (_, calls) = http(server.address(), "GET", "/control/calls", "").await;
    let (_, messages) = http(
        server.address(),
        "GET",
        "/control/queues/q/messages?limit=2",
        "",
    )
    .await;

    let queues: Value = serde_json::from_str(&queues).unwrap();
    assert_eq!(
        (&queues[0]["waiting"], &queues[0]["in_flight"]),
        (&json!(2), &json!(1))
    );
    let calls: Value = serde_json::from_str(&calls).unwrap();
    assert_eq!(
        calls,
        json!({ "CreateQueue": 1, "ReceiveMessage": 1, "SendMessage": 3 })
    );
    let messages: Value = serde_json::from_str(&messages).unwrap();
    assert_eq!(
        (&messages[0]["state"], &messages[0]["body"]),
        (&json!("in flight"), &json!("0"))
    );
    assert_eq!(messages.as_array().unwrap().len(), 2);

    http(server.address(), "DELETE", "/control/calls", "").await;
    assert!(server.control().calls().is_empty());
    http(server.address(), "POST", "/control/reset", "").await;
    assert!(server.control().queues().is_empty());
}

#[tokio::test]
async fn two_clients_that_set_different_attributes_do_not_undo_each_other() {
    let server = server_with_messages(0).await;
    let set = |name: &'static str| {
        for n in 0..10_000 {
            let value = (n % 2 * 7).to_string();
            let set = json!({ "QueueUrl": "q", "Attributes": { name: value } });
            let set = call(&server, "SetQueueAttributes", set).now_or_never();
            set.unwrap().unwrap();
            let get = json!({ "QueueUrl": "q", "AttributeNames": [name] });
            let got = call(&server, "GetQueueAttributes", get).now_or_never();
            let got = got.unwrap().unwrap();
            assert_eq!(got["Attributes"][name], value, "{name} in round {n}");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| set("DelaySeconds"));
        scope.spawn(|| set("VisibilityTimeout"));
    });
}

#[tokio::test]
async fn web_pages_of_other_origins_and_names_may_not_use_any_control_path() {
    let server = server_with_messages(1).await;
    let local = server.address().to_string();
    let port = server.address().port();
    let (named, rebound) = (format!("localhost:{port}"), format!("evil.example:{port}"));
    for (method, path) in [
        ("GET", "/control/queues"),
        ("GET", "/control/queues/q/messages"),
        ("GET", "/control/calls"),
        ("DELETE", "/control/calls"),
        ("GET", "/control/misbehaviour"),
        ("PUT", "/control/misbehaviour"),
        ("GET", "/control/queues/q/misbehaviour"),
        ("PUT", "/control/queues/q/misbehaviour"),
        ("DELETE", "/control/queues/q/misbehaviour"),
        ("POST", "/control/reset"),
        ("POST", "/moto-api/reset"),
        ("POST", "/control/other"),
    ] {
        for (host, origin) in [
            (&local, "origin: https://evil.example\r\n"),
            (&local, "origin: null\r\n"),
            (&named, "origin: http://localhost:3000\r\n"),
            (&rebound, ""),
            (&rebound, &*format!("origin: http://{rebound}\r\n")),
        ] {
            let headers = format!("host: {host}\r\n{origin}");
            let (status, _) = http_with(server.address(), method, path, &headers, "{}").await;
            assert_eq!(status, 403, "{method} {path} {headers}");
        }
    }
    assert_eq!(server.control().queues()[0].waiting, 1);

    for host in [local, named] {
        let headers = format!("host: {host}\r\norigin: http://{host}\r\n");
        let (status, _) = http_with(server.address(), "GET", "/control/queues", &headers, "").await;
        assert_eq!(status, 200, "a page of the server itself");
    }
}

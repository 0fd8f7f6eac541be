//! Seeing inside and making trouble, over HTTP and from Rust.

use futures::FutureExt;
use serde_json::{Value, json};
use sqs_local::{Error, Misbehaviour, SqsLocal};

use super::support::{call, http, http_with, start};

async fn server_with_messages(count: usize) -> SqsLocal {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" }))
        .await
        .unwrap();
    for body in 0..count {
        let message = json!({ "QueueUrl": "q", "MessageBody": body.to_string() });
        call(&server, "SendMessage", message).await.unwrap();
    }
    server
}

async fn misbehave(server: &SqsLocal, path: &str, rule: &str) {
    let (status, answer) = http(server.address(), "PUT", path, rule).await;
    assert_eq!(status, 200, "{answer}");
}

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
async fn a_wrong_rule_is_refused_and_says_why() {
    let server = start().await;
    for (rule, reason) in [
        (r#"{"duplicates": 2}"#, "duplicates must be from 0 to 1"),
        (r#"{"duplicate": 1}"#, "unknown field"),
        (
            r#"{"latency": {"p50_ms": 9, "p99_ms": 3}}"#,
            "p50_ms <= p99_ms",
        ),
        ("", "EOF"),
        ("[null, 0.5]", "invalid type: sequence"),
        (r#"{"latency": [12, 40]}"#, "invalid type: sequence"),
    ] {
        let (status, answer) = http(server.address(), "PUT", "/control/misbehaviour", rule).await;
        assert_eq!(status, 400);
        assert!(answer.contains(reason), "{answer}");
    }
    assert_eq!(server.control().misbehaviour(None), Misbehaviour::default());
}

#[tokio::test]
async fn a_deleted_message_comes_again_when_asked_for_duplicates() {
    let server = server_with_messages(1).await;
    misbehave(
        &server,
        "/control/queues/q/misbehaviour",
        r#"{"duplicates": 1}"#,
    )
    .await;
    let receive = json!({ "QueueUrl": "q" });

    let first = call(&server, "ReceiveMessage", receive.clone())
        .await
        .unwrap();
    let handle = &first["Messages"][0]["ReceiptHandle"];
    call(
        &server,
        "DeleteMessage",
        json!({ "QueueUrl": "q", "ReceiptHandle": handle }),
    )
    .await
    .unwrap();
    let again = call(&server, "ReceiveMessage", receive).await.unwrap();

    assert_eq!(
        again["Messages"][0]["MessageId"],
        first["Messages"][0]["MessageId"]
    );
}

#[tokio::test]
async fn messages_come_out_of_order_when_asked_to() {
    let server = server_with_messages(20).await;
    misbehave(&server, "/control/misbehaviour", r#"{"reorder": 1}"#).await;

    let received = call(&server, "ReceiveMessage", json!({ "QueueUrl": "q" }))
        .await
        .unwrap();

    assert_ne!(received["Messages"][0]["Body"], "0");
}

#[tokio::test]
async fn a_short_poll_misses_when_asked_to_and_a_long_one_does_not() {
    let server = server_with_messages(1).await;
    misbehave(
        &server,
        "/control/misbehaviour",
        r#"{"short_poll_miss": 1}"#,
    )
    .await;
    let short = call(&server, "ReceiveMessage", json!({ "QueueUrl": "q" }))
        .await
        .unwrap();
    let long = json!({ "QueueUrl": "q", "WaitTimeSeconds": 1 });
    let long = call(&server, "ReceiveMessage", long).await.unwrap();

    assert_eq!(short, json!({}));
    assert_eq!(long["Messages"][0]["Body"], "0");
}

#[tokio::test]
async fn throttled_and_failing_calls_are_amazons_errors() {
    let server = server_with_messages(0).await;
    misbehave(
        &server,
        "/control/queues/q/misbehaviour",
        r#"{"throttle": 1}"#,
    )
    .await;
    let message = json!({ "QueueUrl": "q", "MessageBody": "x" });
    call(&server, "SendMessage", message.clone()).await.unwrap();
    let throttled = call(&server, "SendMessage", message.clone()).await;
    http(
        server.address(),
        "DELETE",
        "/control/queues/q/misbehaviour",
        "",
    )
    .await;
    misbehave(&server, "/control/misbehaviour", r#"{"errors": 1}"#).await;
    let failed = call(&server, "SendMessage", message).await;

    assert_eq!(throttled, Err(Error::RequestThrottled));
    assert!(
        matches!(
            failed,
            Err(Error::InternalError | Error::ServiceUnavailable)
        ),
        "{failed:?}"
    );
}

#[tokio::test]
async fn one_queue_misbehaves_while_another_does_not() {
    let server = server_with_messages(0).await;
    let other = json!({ "QueueName": "other" });
    call(&server, "CreateQueue", other).await.unwrap();
    let failing = Misbehaviour {
        errors: 1.0,
        ..Misbehaviour::default()
    };
    let control = server.control();
    let tags = |queue| call(&server, "ListQueueTags", json!({ "QueueUrl": queue }));

    control.misbehave_on("q", Some(failing)).unwrap();
    assert!(tags("q").await.is_err());
    assert!(tags("other").await.is_ok());
    control.misbehave_on("q", None).unwrap();
    assert!(tags("q").await.is_ok());
}

#[tokio::test]
async fn a_pause_holds_every_call_until_it_ends() {
    let server = server_with_messages(1).await;
    misbehave(&server, "/control/misbehaviour", r#"{"paused": true}"#).await;
    let mut receive = Box::pin(call(&server, "ReceiveMessage", json!({ "QueueUrl": "q" })));
    assert!(futures::poll!(&mut receive).is_pending());

    misbehave(&server, "/control/misbehaviour", "{}").await;

    assert_eq!(receive.await.unwrap()["Messages"][0]["Body"], "0");
}

#[tokio::test]
async fn one_seed_draws_the_same_trouble_twice() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let server = server_with_messages(0).await;
        let rule = Misbehaviour {
            errors: 0.5,
            ..Misbehaviour::default()
        };
        server.control().misbehave(rule).unwrap();
        let mut results = Vec::new();
        for _ in 0..40 {
            results.push(call(&server, "ListQueues", json!({})).await.is_ok());
        }
        runs.push(results);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&true) && runs[0].contains(&false));
}

#[tokio::test]
async fn two_who_set_different_attributes_do_not_undo_each_other() {
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
        ("POST", "/control/whatever"),
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

#[tokio::test]
async fn entries_of_each_batch_are_throttled_and_not_carried_out_when_asked_to() {
    let server = server_with_messages(2).await;
    let receive = json!({ "QueueUrl": "q", "MaxNumberOfMessages": 2 });
    let received = call(&server, "ReceiveMessage", receive).await.unwrap();
    let handle = &received["Messages"][0]["ReceiptHandle"];
    let batches = [
        (
            "SendMessageBatch",
            json!({ "Id": "1", "MessageBody": "new" }),
        ),
        (
            "DeleteMessageBatch",
            json!({ "Id": "1", "ReceiptHandle": handle }),
        ),
        (
            "ChangeMessageVisibilityBatch",
            json!({ "Id": "1", "ReceiptHandle": handle, "VisibilityTimeout": 0 }),
        ),
    ];
    for blame_sender in [false, true] {
        let rule = json!({ "throttle_entries": 1, "blame_sender": blame_sender });
        misbehave(&server, "/control/misbehaviour", &rule.to_string()).await;
        for (action, entry) in &batches {
            let request = json!({ "QueueUrl": "q", "Entries": [entry] });
            let answer = call(&server, action, request).await.unwrap();
            assert_eq!(answer["Successful"], json!([]), "{action}");
            let failed = &answer["Failed"][0];
            assert_eq!(failed["Code"], "RequestThrottled", "{action}");
            assert_eq!(failed["SenderFault"], blame_sender, "{action}");
        }
        let queue = &server.control().queues()[0];
        assert_eq!((queue.waiting, queue.in_flight), (0, 2));
    }

    misbehave(&server, "/control/misbehaviour", "{}").await;
    let request = json!({ "QueueUrl": "q", "Entries": [batches[1].1] });
    let answer = call(&server, "DeleteMessageBatch", request).await.unwrap();
    assert_eq!(answer["Successful"], json!([{ "Id": "1" }]));
}

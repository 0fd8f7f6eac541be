//! Injected faults, over HTTP and from Rust.

use serde_json::json;
use sqs_local::{Error, Faults, SqsLocal};

use super::support::{call, http, server_with_messages, start};

async fn put_faults(server: &SqsLocal, path: &str, faults: &str) {
    let (status, answer) = http(server.address(), "PUT", path, faults).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn invalid_faults_are_refused_with_the_reason() {
    let server = start().await;
    for (faults, reason) in [
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
        let (status, answer) = http(server.address(), "PUT", "/control/misbehaviour", faults).await;
        assert_eq!(status, 400);
        assert!(answer.contains(reason), "{answer}");
    }
    assert_eq!(server.control().faults(None), Faults::default());
}

#[tokio::test]
async fn a_deleted_message_comes_again_with_the_fault_duplicates() {
    let server = server_with_messages(1).await;
    put_faults(
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
async fn messages_come_out_of_order_with_the_fault_reorder() {
    let server = server_with_messages(20).await;
    put_faults(&server, "/control/misbehaviour", r#"{"reorder": 1}"#).await;

    let received = call(&server, "ReceiveMessage", json!({ "QueueUrl": "q" }))
        .await
        .unwrap();

    assert_ne!(received["Messages"][0]["Body"], "0");
}

#[tokio::test]
async fn a_short_poll_misses_on_request_and_a_long_one_does_not() {
    let server = server_with_messages(1).await;
    put_faults(
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
    put_faults(
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
    put_faults(&server, "/control/misbehaviour", r#"{"errors": 1}"#).await;
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
async fn one_queue_has_faults_while_another_has_none() {
    let server = server_with_messages(0).await;
    let other = json!({ "QueueName": "other" });
    call(&server, "CreateQueue", other).await.unwrap();
    let failing = Faults {
        errors: 1.0,
        ..Faults::default()
    };
    let control = server.control();
    let tags = |queue| call(&server, "ListQueueTags", json!({ "QueueUrl": queue }));

    control.inject_on("q", Some(failing)).unwrap();
    assert!(tags("q").await.is_err());
    assert!(tags("other").await.is_ok());
    control.inject_on("q", None).unwrap();
    assert!(tags("q").await.is_ok());
}

#[tokio::test]
async fn a_pause_holds_every_call_until_it_ends() {
    let server = server_with_messages(1).await;
    put_faults(&server, "/control/misbehaviour", r#"{"paused": true}"#).await;
    let mut receive = Box::pin(call(&server, "ReceiveMessage", json!({ "QueueUrl": "q" })));
    assert!(futures::poll!(&mut receive).is_pending());

    put_faults(&server, "/control/misbehaviour", "{}").await;

    assert_eq!(receive.await.unwrap()["Messages"][0]["Body"], "0");
}

#[tokio::test]
async fn one_seed_draws_the_same_faults_twice() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let server = server_with_messages(0).await;
        let faults = Faults {
            errors: 0.5,
            ..Faults::default()
        };
        server.control().inject(faults).unwrap();
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
async fn entries_of_each_batch_are_throttled_and_not_carried_out_on_request() {
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
        let faults = json!({ "throttle_entries": 1, "blame_sender": blame_sender });
        put_faults(&server, "/control/misbehaviour", &faults.to_string()).await;
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

    put_faults(&server, "/control/misbehaviour", "{}").await;
    let request = json!({ "QueueUrl": "q", "Entries": [batches[1].1] });
    let answer = call(&server, "DeleteMessageBatch", request).await.unwrap();
    assert_eq!(answer["Successful"], json!([{ "Id": "1" }]));
}

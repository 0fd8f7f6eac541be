//! A client that disconnects takes no message with it.

use std::time::Duration;

use futures::FutureExt;
use serde_json::json;
use sqs_local::{Faults, Latency, SqsLocal};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::support::{call, start};

async fn assert_received_for_the_first_time(server: &SqsLocal) {
    let receive = json!({
        "QueueUrl": "q",
        "WaitTimeSeconds": 5,
        "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
    });
    let answer = call(server, "ReceiveMessage", receive).await.unwrap();
    assert_eq!(
        answer["Messages"][0]["Attributes"]["ApproximateReceiveCount"],
        "1"
    );
}

#[tokio::test]
async fn a_closed_connection_takes_no_message() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" }))
        .await
        .unwrap();
    let body = r#"{"QueueUrl":"q","WaitTimeSeconds":20}"#;
    let request = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: AmazonSQS.ReceiveMessage\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    until(|| server.control().waiting_receives("q") == Ok(20)).await;
    drop(streams);
    until(|| server.control().waiting_receives("q") == Ok(0)).await;

    let message = json!({ "QueueUrl": "q", "MessageBody": "x" });
    call(&server, "SendMessage", message).await.unwrap();

    assert_received_for_the_first_time(&server).await;
}

#[tokio::test]
async fn a_receive_dropped_after_the_hand_off_returns_its_message() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" }))
        .await
        .unwrap();
    let receive = json!({ "QueueUrl": "q", "WaitTimeSeconds": 20 }).to_string();
    let mut poll = Box::pin(server.call("ReceiveMessage", &receive));
    assert!((&mut poll).now_or_never().is_none());

    // The message is handed over to a future that is never polled again.
    let message = json!({ "QueueUrl": "q", "MessageBody": "x" });
    call(&server, "SendMessage", message).await.unwrap();
    assert_eq!(server.control().queues()[0].in_flight, 1);
    drop(poll);

    assert_eq!(server.control().queues()[0].in_flight, 0);
    assert_received_for_the_first_time(&server).await;
}

#[tokio::test]
async fn a_receive_dropped_while_its_answer_is_delayed_returns_its_message() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" }))
        .await
        .unwrap();
    let message = json!({ "QueueUrl": "q", "MessageBody": "x" });
    call(&server, "SendMessage", message).await.unwrap();
    let slow = Faults {
        latency: Some(Latency {
            p50_ms: 200.0,
            p99_ms: 400.0,
        }),
        ..Faults::default()
    };
    server.control().inject(slow).unwrap();
    let receive = json!({ "QueueUrl": "q" }).to_string();
    let mut poll = Box::pin(server.call("ReceiveMessage", &receive));
    let in_flight = || server.control().queues()[0].in_flight;
    while in_flight() == 0 {
        assert!((&mut poll).now_or_never().is_none(), "answered too soon");
        tokio::task::yield_now().await;
    }
    drop(poll);
    assert_eq!(in_flight(), 0);
    server.control().inject(Faults::default()).unwrap();
    assert_received_for_the_first_time(&server).await;
}

/// Waits for a condition, at most five seconds.
async fn until(condition: impl Fn() -> bool) {
    let poll = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), poll)
        .await
        .expect("the condition never held");
}

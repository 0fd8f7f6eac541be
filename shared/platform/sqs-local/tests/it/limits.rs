//! The limit of messages in flight, and the answers of a queue that has reached it.

use serde_json::{Value, json};
use sqs_local::{Error, SqsLocal};

use super::paused::{call, queue, receive};
use super::support::{self, start};

/// Sends ten messages more than `limit`, each in its own group, and receives `limit`. Returns one
/// of the handles.
async fn fill(server: &SqsLocal, url: &Value, limit: usize) -> Value {
    for first in (0..=limit).step_by(10) {
        let entry = |i: usize| {
            let id = i.to_string();
            json!({ "Id": id, "MessageBody": "x", "MessageGroupId": id })
        };
        let entries: Vec<_> = (first..first + 10).map(entry).collect();
        let mut batch = json!({ "QueueUrl": url, "Entries": entries });
        if url.as_str().unwrap().ends_with(".fifo") {
            for entry in batch["Entries"].as_array_mut().unwrap() {
                entry["MessageDeduplicationId"] = entry["Id"].clone();
            }
        }
        call(server, "SendMessageBatch", batch).await;
    }
    let mut last = Value::Null;
    for _ in 0..limit / 10 {
        let (messages, _) = receive(server, url, 0).await;
        assert_eq!(messages.len(), 10);
        last = messages[0]["ReceiptHandle"].clone();
    }
    last
}

async fn short_poll(server: &SqsLocal, url: &Value) -> Result<Value, Error> {
    support::call(server, "ReceiveMessage", json!({ "QueueUrl": url })).await
}

#[tokio::test(start_paused = true)]
async fn a_standard_queue_with_120_000_in_flight_refuses_short_polls_and_lets_long_ones_wait() {
    let server = start().await;
    let url = queue(&server, "q", json!({ "VisibilityTimeout": "43200" })).await;
    let handle = fill(&server, &url, 120_000).await;

    let refused = short_poll(&server, &url).await.unwrap_err();
    let (none, took) = receive(&server, &url, 20).await;
    let delete = json!({ "QueueUrl": url, "ReceiptHandle": handle });
    call(&server, "DeleteMessage", delete).await;
    let one = receive(&server, &url, 0).await.0;

    assert!(matches!(refused, Error::OverLimit(_)), "{refused:?}");
    assert_eq!((none.len(), took.round()), (0, 20.0));
    assert_eq!(one.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_with_120_000_in_flight_gives_nothing_and_no_error() {
    let server = start().await;
    let attributes = json!({ "FifoQueue": "true", "VisibilityTimeout": "43200" });
    let url = queue(&server, "q.fifo", attributes).await;
    let handle = fill(&server, &url, 120_000).await;

    assert_eq!(short_poll(&server, &url).await, Ok(json!({})));
    let delete = json!({ "QueueUrl": url, "ReceiptHandle": handle });
    call(&server, "DeleteMessage", delete).await;
    assert_eq!(receive(&server, &url, 0).await.0.len(), 1);
}

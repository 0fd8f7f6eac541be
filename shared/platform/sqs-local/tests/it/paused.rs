//! Requests without HTTP, for tests on tokio's paused clock.

use serde_json::{Value, json};
use sqs_local::SqsLocal;
use tokio::time::Instant;

use super::support;

pub(crate) async fn call(server: &SqsLocal, action: &str, document: Value) -> Value {
    support::call(server, action, document).await.unwrap()
}

pub(crate) async fn queue(server: &SqsLocal, name: &str, attributes: Value) -> Value {
    let document = json!({ "QueueName": name, "Attributes": attributes });
    call(server, "CreateQueue", document).await["QueueUrl"].clone()
}

pub(crate) async fn send(server: &SqsLocal, url: &Value, body: &str) {
    let message = json!({ "QueueUrl": url, "MessageBody": body });
    call(server, "SendMessage", message).await;
}

/// The messages of a receive, and its duration in seconds.
pub(crate) async fn receive(server: &SqsLocal, url: &Value, wait: u64) -> (Vec<Value>, f64) {
    let document = json!({ "QueueUrl": url, "WaitTimeSeconds": wait, "MaxNumberOfMessages": 10 });
    let began = Instant::now();
    let answer = call(server, "ReceiveMessage", document).await;
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    (messages, began.elapsed().as_secs_f64())
}

pub(crate) fn within_ten_ms(took: f64, expected: f64) {
    assert!(
        (expected..expected + 0.010).contains(&took),
        "took {took} s, not {expected} s"
    );
}

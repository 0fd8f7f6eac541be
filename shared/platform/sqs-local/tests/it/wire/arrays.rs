//! Arrays in the place of objects: serde reads them as structs by default, which this server must
//! not.

use serde_json::json;

use super::super::support::start;
use super::answer::{call, post};

#[tokio::test]
async fn an_array_in_place_of_an_object_is_malformed_input() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    let attribute = json!({ "a": ["String", "x"] });
    for (action, document) in [
        ("DeleteQueue", json!(["q"])),
        ("PurgeQueue", json!(["q"])),
        ("ListQueueTags", json!(["q"])),
        ("GetQueueUrl", json!(["q", null])),
        ("CreateQueue", json!(["p", null, null])),
        ("TagQueue", json!(["q", { "a": "b" }])),
        (
            "SendMessage",
            json!(["q", null, "x", null, null, null, null, null]),
        ),
        (
            "SendMessage",
            json!({ "QueueUrl": "q", "MessageBody": "x", "MessageAttributes": attribute }),
        ),
        (
            "SendMessageBatch",
            json!({ "QueueUrl": "q", "Entries": [[null, "1", "x", null, null, null, null, null]] }),
        ),
        (
            "DeleteMessageBatch",
            json!({ "QueueUrl": "q", "Entries": [[null, "1", "handle"]] }),
        ),
        (
            "ChangeMessageVisibilityBatch",
            json!({ "QueueUrl": "q", "Entries": [[null, "1", "handle", 1]] }),
        ),
        ("ListMessageMoveTasks", json!(["arn", 1])),
    ] {
        let headers = format!("x-amz-target: AmazonSQS.{action}\r\n");
        let answer = post(&server, &headers, document.to_string().as_bytes()).await;
        assert_eq!(
            answer.status, 400,
            "{action} {document}: {}",
            answer.document
        );
        let shape = "com.amazon.coral.service#SerializationException";
        assert_eq!(answer.document["__type"], shape, "{action} {document}");
    }
    let queues = server.control().queues();
    assert_eq!((queues.len(), queues[0].waiting), (1, 0));
}

//! Arbitrary input gets an error document: never a panic, and never more memory than its size.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use sqs_local::{ACTIONS, SqsLocal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::support::start;

/// JSON documents in the shape of requests, with the names of real requests.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just("q"), Just("q.fifo"), Just("All"), Just("")].prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "QueueUrl",
        "QueueName",
        "MessageBody",
        "Entries",
        "Id",
        "ReceiptHandle",
        "Attributes",
        "VisibilityTimeout",
        "DelaySeconds",
        "MaxNumberOfMessages",
        "MessageAttributes",
        "DataType",
        "StringValue",
        "BinaryValue",
        "MessageGroupId",
        "AttributeNames",
        "Tags",
        "TagKeys",
        "RedrivePolicy",
        "FifoQueue",
        "SourceArn",
        "TaskHandle",
        "Label",
        "Actions",
        "AWSAccountIds",
        "NextToken",
        "MaxResults",
        "MessageSystemAttributes",
        "AWSTraceHeader",
    ]);
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name.clone(), inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_string(), v)).collect()),
        ]
    })
}

/// A server with a queue and a message, so that requests pass the first checks.
fn server(runtime: &Runtime) -> SqsLocal {
    runtime.block_on(async {
        let server = start().await;
        let queue = json!({ "QueueName": "q" }).to_string();
        server.call("CreateQueue", &queue).await.unwrap();
        server
    })
}

fn is_error_document(answer: &str) -> bool {
    let document: Value = serde_json::from_str(answer).unwrap_or_default();
    document["__type"]
        .as_str()
        .is_some_and(|name| name.starts_with("com.amazon") && name.contains('#'))
}

#[test]
fn any_document_is_answered() {
    let runtime = Runtime::new().unwrap();
    let server = server(&runtime);
    let request = (prop::sample::select(ACTIONS.to_vec()), document());
    proptest!(ProptestConfig::with_cases(3000), |((action, document) in request)| {
        let mut document = document;
        if let Some(members) = document.as_object_mut() {
            members.insert("QueueUrl".into(), "q".into());
        }
        match runtime.block_on(server.call(action, &document.to_string())) {
            Ok(answer) => prop_assert!(serde_json::from_slice::<Value>(&answer).is_ok()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        // A queue may have been created, changed or deleted: start again with a new server.
        if action.ends_with("Queue") || action.starts_with("Set") {
            server.control().reset();
            let queue = json!({ "QueueName": "q" }).to_string();
            prop_assert!(runtime.block_on(server.call("CreateQueue", &queue)).is_ok());
        }
    });
}

#[test]
fn any_body_is_answered_with_a_document() {
    let runtime = Runtime::new().unwrap();
    let server = server(&runtime);
    let request = (
        prop::sample::select(ACTIONS.to_vec()),
        vec(any::<u8>(), 1..200),
    );
    proptest!(ProptestConfig::with_cases(500), |((action, body) in request)| {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-amz-target: AmazonSQS.{action}\
             \r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let answer = runtime.block_on(exchange(&server, &[head.as_bytes(), &body].concat(), false));
        let (head, document) = answer.split_once("\r\n\r\n").unwrap();
        prop_assert!(head.starts_with("HTTP/1.1 400"), "{}", answer);
        prop_assert!(is_error_document(document), "{}", answer);
    });
}

#[test]
fn any_bytes_on_a_connection_leave_the_server_healthy() {
    let runtime = Runtime::new().unwrap();
    let server = server(&runtime);
    proptest!(ProptestConfig::with_cases(300), |(bytes in vec(any::<u8>(), 0..300))| {
        runtime.block_on(exchange(&server, &bytes, true));
        let alive = runtime.block_on(server.call("ListQueues", "{}"));
        prop_assert!(alive.is_ok());
    });
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let server = start().await;
    let head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: AmazonSQS.SendMessage\r\n\
                content-length: 99999999999\r\n\r\n";
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
}

/// Sends bytes, closes the sending side if `then_ends`, and reads the answer.
async fn exchange(server: &SqsLocal, bytes: &[u8], then_ends: bool) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    // The server may close before it has read everything. Its answer until then counts.
    let _ = stream.write_all(bytes).await;
    if then_ends {
        let _ = stream.shutdown().await;
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

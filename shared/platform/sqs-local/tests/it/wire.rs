//! Answers on the wire, before an SDK parses them.

mod answer;
mod arrays;
mod heads;

use serde_json::{Value, json};

use self::answer::{call, post};
use super::support::start;

#[tokio::test]
async fn an_error_has_two_names_a_status_and_a_message() {
    let server = start().await;
    let sqs = "com.amazonaws.sqs#";
    let framework = "com.amazon.coral.service#";
    call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    call(&server, "PurgeQueue", json!({ "QueueUrl": "q" })).await;
    for (action, document, status, shape, code) in [
        (
            "GetQueueUrl",
            json!({ "QueueName": "none" }),
            400,
            format!("{sqs}QueueDoesNotExist"),
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (
            "CreateQueue",
            json!({ "QueueName": "q", "Attributes": { "DelaySeconds": "1" } }),
            400,
            format!("{sqs}QueueNameExists"),
            "QueueAlreadyExists",
        ),
        (
            "PurgeQueue",
            json!({ "QueueUrl": "q" }),
            403,
            format!("{sqs}PurgeQueueInProgress"),
            "AWS.SimpleQueueService.PurgeQueueInProgress",
        ),
        (
            "DeleteMessage",
            json!({ "QueueUrl": "q", "ReceiptHandle": "junk" }),
            404,
            format!("{sqs}ReceiptHandleIsInvalid"),
            "ReceiptHandleIsInvalid",
        ),
        (
            "SendMessageBatch",
            json!({ "QueueUrl": "q", "Entries": [] }),
            400,
            format!("{sqs}EmptyBatchRequest"),
            "AWS.SimpleQueueService.EmptyBatchRequest",
        ),
        (
            "SendMessage",
            json!({ "QueueUrl": "q" }),
            400,
            format!("{framework}MissingRequiredParameterException"),
            "MissingParameter",
        ),
        (
            "ReceiveMessage",
            json!({ "QueueUrl": "q", "MaxNumberOfMessages": 11 }),
            400,
            format!("{framework}InvalidParameterValueException"),
            "InvalidParameterValue",
        ),
        (
            "ListMessageMoveTasks",
            json!({ "SourceArn": "arn:aws:sqs:us-east-1:000000000000:none" }),
            404,
            format!("{sqs}ResourceNotFoundException"),
            "ResourceNotFoundException",
        ),
        (
            "MakeCoffee",
            json!({}),
            400,
            format!("{framework}UnknownOperationException"),
            "InvalidAction",
        ),
    ] {
        let answer = call(&server, action, document).await;
        assert_eq!(answer.status, status, "{action}");
        assert_eq!(answer.document["__type"], shape);
        assert!(!answer.document["message"].as_str().unwrap().is_empty());
        let query_error = format!("{code};sender").to_ascii_lowercase();
        assert_eq!(answer.header("x-amzn-query-error"), Some(&*query_error));
    }
}

#[tokio::test]
async fn every_answer_has_an_id_and_the_content_type_of_amazons_json() {
    let server = start().await;
    let mut ids = Vec::new();
    for action in ["ListQueues", "MakeCoffee"] {
        let answer = call(&server, action, json!({})).await;
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/x-amz-json-1.0"));
        let id = answer.header("x-amzn-requestid").unwrap().to_string();
        assert_eq!(id.len(), 36);
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn an_invalid_document_is_malformed_input() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    for body in [
        "{",
        "[]",
        "null",
        "\u{0}",
        r#"{"QueueUrl": 1}"#,
        r#"{"QueueUrl": "q", "MessageBody": {}}"#,
        r#"{"QueueUrl": "q", "MessageBody": "x", "DelaySeconds": "1"}"#,
        r#"{"QueueUrl": "q", "MessageBody": "x", "DelaySeconds": 1.5}"#,
        r#"{"QueueUrl": "q", "MessageBody": "x", "MessageAttributes": []}"#,
        r#"{"QueueUrl": "q", "MessageBody": "x\ud800"}"#,
    ] {
        let target = "x-amz-target: AmazonSQS.SendMessage\r\n";
        let answer = post(&server, target, body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
        let shape = "com.amazon.coral.service#SerializationException";
        assert_eq!(answer.document["__type"], shape, "{body}");
        let code = answer.header("x-amzn-query-error");
        assert_eq!(code, Some("malformedinput;sender"));
    }
}

#[tokio::test]
async fn a_body_of_the_wrong_type_fails_a_whole_batch() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    let entries = json!([{ "Id": "a", "MessageBody": "x" }, { "Id": "b", "MessageBody": 5 }]);
    let batch = json!({ "QueueUrl": "q", "Entries": entries });
    let answer = call(&server, "SendMessageBatch", batch).await;
    assert_eq!(answer.status, 400);
    let depth = server.control().queues()[0].waiting;
    assert_eq!(depth, 0);
}

#[tokio::test]
async fn a_request_without_a_target_is_an_unknown_action() {
    let server = start().await;
    let answer = post(&server, "", b"{}").await;
    assert_eq!(answer.status, 400);
    let shape = "com.amazon.coral.service#UnknownOperationException";
    assert_eq!(answer.document["__type"], shape);
}

#[tokio::test]
async fn a_missing_parameter_is_named() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    let send = "SendMessageBatchRequestEntry";
    for (action, document, name) in [
        ("CreateQueue", json!({}), "QueueName"),
        ("GetQueueUrl", json!({}), "QueueName"),
        ("DeleteQueue", json!({}), "QueueUrl"),
        ("ReceiveMessage", json!({}), "QueueUrl"),
        (
            "SetQueueAttributes",
            json!({ "QueueUrl": "q" }),
            "Attribute.Name",
        ),
        ("SendMessageBatch", json!({ "QueueUrl": "q" }), "Entries"),
        (
            "SendMessageBatch",
            json!({ "QueueUrl": "q", "Entries": [{ "Id": "1" }, {}] }),
            &format!("{send}.2.Id"),
        ),
        ("DeleteMessage", json!({ "QueueUrl": "q" }), "ReceiptHandle"),
        ("TagQueue", json!({ "QueueUrl": "q" }), "Tags"),
        ("UntagQueue", json!({ "QueueUrl": "q" }), "TagKeys"),
        ("AddPermission", json!({ "QueueUrl": "q" }), "Label"),
        ("RemovePermission", json!({ "QueueUrl": "q" }), "Label"),
        ("StartMessageMoveTask", json!({}), "SourceArn"),
        ("ListMessageMoveTasks", json!({}), "SourceArn"),
        ("CancelMessageMoveTask", json!({}), "TaskHandle"),
    ] {
        let answer = call(&server, action, document).await;
        let text = format!("The request must contain the parameter {name}.");
        assert_eq!(answer.document["message"], text, "{action}");
    }
}

#[tokio::test]
async fn a_null_list_is_an_absent_list() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    for (action, lists) in [
        (
            "ReceiveMessage",
            &["AttributeNames", "MessageAttributeNames"][..],
        ),
        ("ReceiveMessage", &["MessageSystemAttributeNames"]),
        ("GetQueueAttributes", &["AttributeNames"]),
        (
            "SendMessage",
            &["MessageAttributes", "MessageSystemAttributes"],
        ),
    ] {
        let mut document = json!({ "QueueUrl": "q", "MessageBody": "x" });
        for list in lists {
            document[list] = Value::Null;
        }
        let answer = call(&server, action, document).await;
        assert_eq!(answer.status, 200, "{action} {lists:?}");
    }
}

#[tokio::test]
async fn empty_members_are_left_out() {
    let server = start().await;
    let url = call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    let url = &url.document["QueueUrl"];
    let queue = json!({ "QueueUrl": url });
    for (action, document, expected) in [
        ("ReceiveMessage", queue.clone(), json!({})),
        ("GetQueueAttributes", queue.clone(), json!({})),
        ("ListQueueTags", queue.clone(), json!({})),
        (
            "ListQueues",
            json!({ "QueueNamePrefix": "none" }),
            json!({}),
        ),
        // The only member with a small first letter. It is never left out.
        (
            "ListDeadLetterSourceQueues",
            queue.clone(),
            json!({ "queueUrls": [] }),
        ),
        ("PurgeQueue", queue.clone(), json!({})),
        ("DeleteQueue", queue.clone(), json!({})),
    ] {
        let answer = call(&server, action, document).await;
        assert_eq!(
            (answer.status, answer.document),
            (200, expected),
            "{action}"
        );
    }
}

#[tokio::test]
async fn a_queue_is_named_by_the_host_that_the_client_used_and_found_by_any() {
    let server = start().await;
    let created = call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    let url = &created.document["QueueUrl"];
    assert_eq!(url, "http://sqs.test:1/000000000000/q");
    for url in [
        "http://sqs.test:1/000000000000/q",
        "https://sqs.us-east-1.amazonaws.com/000000000000/q",
        "https://queue.amazonaws.com/000000000000/q",
        "http://localhost:9324/queue/q",
        "q",
    ] {
        let answer = call(&server, "ListQueueTags", json!({ "QueueUrl": url })).await;
        assert_eq!(answer.status, 200, "{url}");
    }
}

#[tokio::test]
async fn each_region_has_queues_of_its_own() {
    let server = start().await;
    let signed = |region: &str, action: &str| {
        format!(
            "x-amz-target: AmazonSQS.{action}\r\nauthorization: AWS4-HMAC-SHA256 \
             Credential=key/20260101/{region}/sqs/aws4_request, Signature=none\r\n"
        )
    };
    let create = signed("eu-north-1", "CreateQueue");
    post(&server, &create, br#"{"QueueName":"q"}"#).await;
    let list = post(&server, &signed("eu-north-1", "ListQueues"), b"{}").await;
    assert_eq!(list.document["QueueUrls"].as_array().unwrap().len(), 1);
    let list = post(&server, &signed("us-east-1", "ListQueues"), b"{}").await;
    assert_eq!(list.document, json!({}));
    let body = br#"{"QueueUrl":"q","AttributeNames":["QueueArn"]}"#;
    let get = post(&server, &signed("eu-north-1", "GetQueueAttributes"), body).await;
    let arn = "arn:aws:sqs:eu-north-1:000000000000:q";
    assert_eq!(get.document["Attributes"]["QueueArn"], arn);
}

//! The effect of a request's headers, and requests that are too long.

use serde_json::{Value, json};
use sqs_local::SqsLocal;

use super::super::support::start;
use super::answer::{Answer, call, post};

const TRACE: &str = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1";

async fn with_headers(server: &SqsLocal, headers: &str, action: &str, document: Value) -> Answer {
    let headers = format!("x-amz-target: AmazonSQS.{action}\r\n{headers}");
    post(server, &headers, document.to_string().as_bytes()).await
}

#[tokio::test]
async fn the_trace_header_of_a_request_is_kept_with_its_messages_unless_they_have_their_own() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    let header = format!("X-Amzn-Trace-Id: {TRACE}\r\n");
    let own = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": "own" } });
    let single = json!({ "QueueUrl": "q", "MessageBody": "single" });
    let sent = with_headers(&server, &header, "SendMessage", single).await;
    assert!(sent.document["MD5OfMessageSystemAttributes"].is_null());
    let entries = json!([
        { "Id": "1", "MessageBody": "entry" },
        { "Id": "2", "MessageBody": "own", "MessageSystemAttributes": own },
    ]);
    let batch = json!({ "QueueUrl": "q", "Entries": entries });
    with_headers(&server, &header, "SendMessageBatch", batch).await;

    let names = ["AWSTraceHeader"];
    let receive = json!({ "QueueUrl": "q", "MaxNumberOfMessages": 10, "AttributeNames": names });
    let answer = call(&server, "ReceiveMessage", receive).await;
    let messages = answer.document["Messages"].as_array().unwrap();
    let traces = messages
        .iter()
        .map(|m| m["Attributes"]["AWSTraceHeader"].as_str());
    assert_eq!(
        traces.collect::<Vec<_>>(),
        [Some(TRACE), Some(TRACE), Some("own")]
    );
}

#[tokio::test]
async fn queue_urls_have_the_scheme_that_a_proxy_forwards() {
    let server = start().await;
    for (headers, expected) in [
        ("", "http://sqs.test:1/000000000000/q"),
        (
            "X-Forwarded-Proto: https\r\n",
            "https://sqs.test:1/000000000000/q",
        ),
        (
            "X-Forwarded-Proto: gopher\r\n",
            "http://sqs.test:1/000000000000/q",
        ),
    ] {
        let create = json!({ "QueueName": "q" });
        let created = with_headers(&server, headers, "CreateQueue", create).await;
        assert_eq!(created.document["QueueUrl"], expected);
        let listed = with_headers(&server, headers, "ListQueues", json!({})).await;
        assert_eq!(listed.document["QueueUrls"][0], expected);
    }
}

#[tokio::test]
async fn arns_name_the_partition_of_their_region() {
    let server = start().await;
    for (region, partition) in [
        ("eu-north-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let signed = format!(
            "authorization: AWS4-HMAC-SHA256 Credential=key/20260101/{region}/sqs/aws4_request, \
             Signature=none\r\n"
        );
        let create = json!({ "QueueName": "dead" });
        with_headers(&server, &signed, "CreateQueue", create).await;
        let get = json!({ "QueueUrl": "dead", "AttributeNames": ["QueueArn"] });
        let got = with_headers(&server, &signed, "GetQueueAttributes", get).await;
        let arn = format!("arn:{partition}:sqs:{region}:000000000000:dead");
        assert_eq!(got.document["Attributes"]["QueueArn"], arn);

        let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 1 }).to_string();
        let create = json!({ "QueueName": "q", "Attributes": { "RedrivePolicy": policy } });
        let created = with_headers(&server, &signed, "CreateQueue", create).await;
        assert_eq!(created.status, 200, "{}", created.document);

        let add = json!({
            "QueueUrl": "dead",
            "Label": "l",
            "AWSAccountIds": ["111111111111"],
            "Actions": ["SendMessage"],
        });
        with_headers(&server, &signed, "AddPermission", add).await;
        let get = json!({ "QueueUrl": "dead", "AttributeNames": ["Policy"] });
        let got = with_headers(&server, &signed, "GetQueueAttributes", get).await;
        let policy = got.document["Attributes"]["Policy"].as_str().unwrap();
        let root = format!("arn:{partition}:iam::111111111111:root");
        assert!(policy.contains(&root), "{policy}");
    }
}

#[tokio::test]
async fn a_request_of_twenty_megabytes_is_read_and_answered_with_the_limit_of_messages() {
    let server = start().await;
    call(&server, "CreateQueue", json!({ "QueueName": "q" })).await;
    let body = "x".repeat(20_000_000);
    let message = json!({ "QueueUrl": "q", "MessageBody": body });
    let answer = call(&server, "SendMessage", message).await;
    assert_eq!(answer.status, 400);
    let text = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 \
                 bytes.";
    assert_eq!(answer.document["message"], text);

    let entries = json!([{ "Id": "1", "MessageBody": body }]);
    let batch = json!({ "QueueUrl": "q", "Entries": entries });
    let answer = call(&server, "SendMessageBatch", batch).await;
    let code = answer.header("x-amzn-query-error");
    assert_eq!(
        code,
        Some("aws.simplequeueservice.batchrequesttoolong;sender")
    );

    let tags = json!({ "QueueUrl": "q", "Tags": { "long": body } });
    let answer = call(&server, "TagQueue", tags).await;
    let shape = "com.amazon.coral.service#SerializationException";
    assert_eq!(answer.document["__type"], shape);
}

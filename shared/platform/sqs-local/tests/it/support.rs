//! A client for the endpoint under test, and a plain HTTP call.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use serde_json::{Value, json};
use sqs_local::SqsLocal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};

/// The endpoint under test: `SQS_ENDPOINT_URL`, or a server started for this test.
pub(crate) struct Endpoint {
    pub(crate) client: Client,
    _server: Option<SqsLocal>,
}

impl Endpoint {
    pub(crate) async fn open() -> Endpoint {
        if let Ok(url) = std::env::var("SQS_ENDPOINT_URL") {
            return Endpoint {
                client: client(&url),
                _server: None,
            };
        }
        let server = start().await;
        Endpoint {
            client: client(&server.endpoint()),
            _server: Some(server),
        }
    }

    /// Creates a queue that no other test uses, and returns its URL.
    pub(crate) async fn queue(&self, attributes: &[(&str, &str)]) -> String {
        let is_fifo = attributes.iter().any(|(name, _)| *name == "FifoQueue");
        let name = unique(if is_fifo { ".fifo" } else { "" });
        let mut create = self.client.create_queue().queue_name(name);
        for (name, value) in attributes {
            create = create.attributes((*name).into(), *value);
        }
        create.send().await.unwrap().queue_url.unwrap()
    }
}

/// Makes one request without HTTP.
pub(crate) async fn call(
    server: &SqsLocal,
    action: &str,
    document: Value,
) -> Result<Value, sqs_local::Error> {
    let answer = server.call(action, &document.to_string()).await?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

pub(crate) async fn start() -> SqsLocal {
    SqsLocal::start(("127.0.0.1", 0)).await.unwrap()
}

/// A server with the queue `q`, which holds `count` messages.
pub(crate) async fn server_with_messages(count: usize) -> SqsLocal {
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

pub(crate) fn client(url: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

pub(crate) fn unique(suffix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_micros();
    format!("test-{now}-{}{suffix}", COUNT.fetch_add(1, Relaxed))
}

/// Sends a request and returns the status and the body of the answer.
pub(crate) async fn http(
    address: impl ToSocketAddrs,
    method: &str,
    path: &str,
    body: &str,
) -> (u16, String) {
    http_with(address, method, path, "host: x\r\n", body).await
}

/// [`http`] with headers, each with its end of line.
pub(crate) async fn http_with(
    address: impl ToSocketAddrs,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {length}\
         \r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.into(),
    )
}

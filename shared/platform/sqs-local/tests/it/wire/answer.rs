//! A request as bytes, and the whole answer.

use serde_json::Value;
use sqs_local::SqsLocal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer: its status, its head in small letters, and its document.
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) document: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

pub(super) async fn post(server: &SqsLocal, headers: &str, body: &[u8]) -> Answer {
    let head = format!(
        "POST / HTTP/1.1\r\nhost: sqs.test:1\r\nconnection: close\r\ncontent-length: {}\r\n\
         {headers}\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(&[head.as_bytes(), body].concat())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, document) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        document: serde_json::from_str(document).unwrap(),
        head: head.to_ascii_lowercase(),
    }
}

pub(super) async fn call(server: &SqsLocal, action: &str, document: Value) -> Answer {
    let headers = format!("x-amz-target: AmazonSQS.{action}\r\n");
    post(server, &headers, document.to_string().as_bytes()).await
}

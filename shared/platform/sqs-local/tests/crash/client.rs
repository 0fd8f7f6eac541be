//! A client over one connection that knows the difference between an answer and none.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(super) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The answer to a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) document: Value,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let buffer = Vec::new();
        Ok(Client { stream, buffer })
    }

    /// Makes a call. An error means that there is no answer: it is in doubt.
    pub(super) async fn call(&mut self, action: &str, document: Value) -> io::Result<Answer> {
        let head = format!("POST / HTTP/1.1\r\nx-amz-target: AmazonSQS.{action}");
        self.request(&head, &document.to_string()).await
    }

    /// Makes a call that must succeed if it is answered.
    pub(super) async fn succeed(&mut self, action: &str, document: Value) -> io::Result<Value> {
        let answer = self.call(action, document.clone()).await?;
        assert_eq!(answer.status, 200, "{action} {document}: {answer:?}");
        Ok(answer.document)
    }

    /// All messages of a queue, without a receive.
    pub(super) async fn peek(&mut self, queue: &str) -> io::Result<Vec<Value>> {
        let head = format!("GET /control/queues/{queue}/messages?limit=100000 HTTP/1.1");
        let answer = self.request(&head, "").await?;
        assert_eq!(answer.status, 200, "{queue}: {answer:?}");
        Ok(serde_json::from_value(answer.document).unwrap())
    }

    pub(super) async fn create(&mut self, queue: &str, attributes: Value) -> io::Result<()> {
        let document = json!({ "QueueName": queue, "Attributes": attributes });
        self.succeed("CreateQueue", document).await.map(drop)
    }

    async fn request(&mut self, head: &str, body: &str) -> io::Result<Answer> {
        let length = body.len();
        let request =
            format!("{head}\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}");
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if let Some(answer) = parse(&self.buffer) {
                return Ok(answer);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The answer, once it is there as a whole.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end])
        .unwrap()
        .to_ascii_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)?
        .split("\r\n")
        .next()?;
    let body = bytes.get(end..end + length.parse::<usize>().unwrap())?;
    Some(Answer {
        status: head.split(' ').nth(1)?.parse().unwrap(),
        document: serde_json::from_slice(body).unwrap(),
    })
}

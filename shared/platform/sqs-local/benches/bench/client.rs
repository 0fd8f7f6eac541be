//! A client with almost no cost of its own: prepared requests over kept-alive connections.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client {
            stream,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Sends a prepared request and returns the body of the answer, which must be a success.
    pub(crate) async fn call(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(request).await?;
        let mut have = 0;
        loop {
            if have == self.buffer.len() {
                self.buffer.resize(2 * have, 0);
            }
            match self.stream.read(&mut self.buffer[have..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => have += read,
            }
            if let Some((start, length)) = head(&self.buffer[..have])
                && have >= start + length
            {
                if !self.buffer.starts_with(b"HTTP/1.1 200") {
                    let text = String::from_utf8_lossy(&self.buffer[..have]).into_owned();
                    return Err(io::Error::other(text));
                }
                return Ok(&self.buffer[start..start + length]);
            }
        }
    }
}

/// The whole request as bytes.
pub(crate) fn request(action: &str, body: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-amz-json-1.0\r\n\
         x-amz-target: AmazonSQS.{action}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The values of a string member, at any place in the document.
pub(crate) fn values<'a>(document: &'a [u8], name: &str) -> Vec<&'a str> {
    let document = std::str::from_utf8(document).unwrap_or_default();
    let key = format!("\"{name}\":\"");
    let rest = document.split(key.as_str()).skip(1);
    rest.filter_map(|rest| rest.split('"').next()).collect()
}

/// The start and the length of the body.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end])
        .ok()?
        .to_ascii_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)?
        .split("\r\n")
        .next()?;
    Some((end, length.parse().ok()?))
}

//! The queue server in its own process, and figures of the operating system. Linux only.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqs_local::SqsLocal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A queue server in its own process, which ends with this one.
pub(crate) struct Server {
    process: Child,
    endpoint: String,
}

/// Serves until the parent has ended.
#[tokio::main]
pub(crate) async fn serve() -> anyhow::Result<()> {
    let server = SqsLocal::start("127.0.0.1:0").await?;
    println!("{}", server.endpoint());
    tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop)).await?;
    Ok(())
}

impl Server {
    pub(crate) fn start() -> anyhow::Result<Server> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut endpoint = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut endpoint)?;
        Ok(Server {
            process,
            endpoint: endpoint.trim().to_owned(),
        })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn address(&self) -> &str {
        self.endpoint.trim_start_matches("http://")
    }

    /// Calls the server's control endpoint.
    pub(crate) async fn control(
        &self,
        method: &str,
        path: &str,
        body: &str,
    ) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.address()).await?;
        let length = body.len();
        let request = format!(
            "{method} /control/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Ok(answer)
    }

    /// The number of calls since the last reset.
    pub(crate) async fn calls(&self) -> anyhow::Result<u64> {
        let answer = self.control("GET", "calls", "").await?;
        let document = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        let calls: std::collections::BTreeMap<String, u64> = serde_json::from_str(document)?;
        Ok(calls.values().sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// User and system time of this process, in steps of 10 ms.
pub(crate) fn cpu_time() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// The number of established connections to the server.
pub(crate) fn connections(server: &Server) -> anyhow::Result<usize> {
    let port: u16 = server
        .address()
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .parse()?;
    let table = std::fs::read_to_string("/proc/self/net/tcp")?;
    let remote = format!(":{port:04X}");
    let is_ours = |line: &&str| {
        let mut fields = line.split_whitespace().skip(2);
        fields
            .next()
            .is_some_and(|address| address.ends_with(&remote))
            && fields.next() == Some("01")
    };
    Ok(table.lines().filter(is_ours).count())
}

//! Rates: 20,000 messages of 1 KiB over eight connections.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Instant;

use crate::client::{Client, request, values};
use crate::proc;

const CONNECTIONS: usize = 8;
const MESSAGES: usize = 20_000;

pub(crate) async fn measure(address: SocketAddr) -> anyhow::Result<()> {
    println!(
        "{:<28}{:>12}{:>22}",
        "", "messages/s", "server CPU us/message"
    );
    let body = "x".repeat(1024);
    let entries: Vec<_> = (0..10)
        .map(|id| format!(r#"{{"Id":"{id}","MessageBody":"{body}"}}"#))
        .collect();

    for round in 1..=3 {
        let url = create(address, &format!("bench-{round}")).await?;
        let single = format!(r#"{{"QueueUrl":"{url}","MessageBody":"{body}"}}"#);
        let single = request("SendMessage", &single);
        let batch = format!(
            r#"{{"QueueUrl":"{url}","Entries":[{}]}}"#,
            entries.join(",")
        );
        let batch = request("SendMessageBatch", &batch);

        run("send singly x8", address, |client| {
            repeat(client, single.clone(), 1)
        })
        .await?;
        run("send by ten x8", address, |client| {
            repeat(client, batch.clone(), 10)
        })
        .await?;
        run("drain (receive, delete) x8", address, |client| {
            drain(client, url.clone())
        })
        .await?;
        run("drain (receive, delete) x8", address, |client| {
            drain(client, url.clone())
        })
        .await?;
    }
    Ok(())
}

pub(crate) async fn create(address: SocketAddr, name: &str) -> anyhow::Result<String> {
    let mut client = Client::connect(address).await?;
    let request = request("CreateQueue", &format!(r#"{{"QueueName":"{name}"}}"#));
    let answer = client.call(&request).await?;
    Ok(values(answer, "QueueUrl")
        .first()
        .map(ToString::to_string)
        .unwrap_or_default())
}

/// Does the work on every connection at once, and prints its rate.
async fn run<F>(name: &str, address: SocketAddr, work: impl Fn(Client) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(work(Client::connect(address).await?));
    }
    let (began, cpu) = (Instant::now(), proc::cpu_of("server"));
    let tasks: Vec<_> = clients.into_iter().map(tokio::spawn).collect();
    for task in tasks {
        task.await??;
    }
    let rate = MESSAGES as f64 / began.elapsed().as_secs_f64();
    let cpu = (proc::cpu_of("server") - cpu).as_secs_f64() * 1e6 / MESSAGES as f64;
    println!("{name:<28}{rate:>12.0}{cpu:>22.2}");
    Ok(())
}

async fn repeat(mut client: Client, request: Vec<u8>, messages: usize) -> anyhow::Result<()> {
    for _ in 0..MESSAGES / CONNECTIONS / messages {
        client.call(&request).await?;
    }
    Ok(())
}

async fn drain(mut client: Client, url: String) -> anyhow::Result<()> {
    let receive = format!(r#"{{"QueueUrl":"{url}","MaxNumberOfMessages":10}}"#);
    let receive = request("ReceiveMessage", &receive);
    for _ in 0..MESSAGES / CONNECTIONS / 10 {
        let answer = client.call(&receive).await?;
        let entries: Vec<_> = values(answer, "ReceiptHandle")
            .iter()
            .enumerate()
            .map(|(id, handle)| format!(r#"{{"Id":"{id}","ReceiptHandle":"{handle}"}}"#))
            .collect();
        anyhow::ensure!(entries.len() == 10, "the queue ran dry");
        let delete = format!(
            r#"{{"QueueUrl":"{url}","Entries":[{}]}}"#,
            entries.join(",")
        );
        client.call(&request("DeleteMessageBatch", &delete)).await?;
    }
    Ok(())
}

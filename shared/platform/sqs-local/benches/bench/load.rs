//! Rates: 20,000 messages of 1 KiB over eight connections, in an empty queue and in one with a
//! million waiting messages.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::{Client, request, values};
use crate::proc;

const CONNECTIONS: usize = 8;
const MESSAGES: usize = 20_000;

const HEAD: &str = "  messages/s   server CPU us/message";

pub(crate) async fn measure(address: SocketAddr) -> anyhow::Result<()> {
    let (empty, deep) = (
        create(address, "empty").await?,
        create(address, "deep").await?,
    );
    let batch = send_by_ten(&deep);
    for _ in 0..1_000_000 / MESSAGES {
        run(address, |client| repeat(client, batch.clone(), 10)).await?;
    }
    for _ in 1..=3 {
        println!();
        println!("{:<28}{HEAD}", "an empty queue");
        measure_queue(address, &empty).await?;
        println!("{:<28}{HEAD}", "1,000,000 messages wait");
        measure_queue(address, &deep).await?;
    }
    Ok(())
}

/// The rates of a server that keeps its messages, in an empty queue.
pub(crate) async fn measure_kept(address: SocketAddr, title: &str) -> anyhow::Result<()> {
    let url = create(address, "kept").await?;
    println!("\n{title:<28}{HEAD}");
    for _ in 1..=3 {
        measure_queue(address, &url).await?;
    }
    Ok(())
}

async fn measure_queue(address: SocketAddr, url: &str) -> anyhow::Result<()> {
    let single = format!(r#"{{"QueueUrl":"{url}","MessageBody":"{}"}}"#, body());
    let single = request("SendMessage", &single);
    let batch = send_by_ten(url);

    let sent = run(address, |client| repeat(client, single.clone(), 1)).await?;
    print("send singly x8", sent);
    let sent = run(address, |client| repeat(client, batch.clone(), 10)).await?;
    print("send by ten x8", sent);
    for _ in 0..2 {
        let drained = run(address, |client| drain(client, url.into())).await?;
        print("drain (receive, delete) x8", drained);
    }
    Ok(())
}

fn send_by_ten(url: &str) -> Vec<u8> {
    let body = body();
    let entry = |id| format!(r#"{{"Id":"{id}","MessageBody":"{body}"}}"#);
    let entries = (0..10).map(entry).collect::<Vec<_>>().join(",");
    let document = format!(r#"{{"QueueUrl":"{url}","Entries":[{entries}]}}"#);
    request("SendMessageBatch", &document)
}

fn body() -> String {
    "x".repeat(1024)
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

/// Does the work on all connections at once. Returns messages per second, and the server's CPU time
/// per message in microseconds.
async fn run<F>(address: SocketAddr, work: impl Fn(Client) -> F) -> anyhow::Result<(f64, f64)>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(work(Client::connect(address).await?));
    }
    let (began, cpu) = (Instant::now(), server_cpu());
    let tasks: Vec<_> = clients.into_iter().map(tokio::spawn).collect();
    for task in tasks {
        task.await??;
    }
    let rate = MESSAGES as f64 / began.elapsed().as_secs_f64();
    let cpu = server_cpu().saturating_sub(cpu).as_secs_f64() * 1e6 / MESSAGES as f64;
    Ok((rate, cpu))
}

/// With the thread that stores messages.
fn server_cpu() -> Duration {
    proc::cpu_of("server") + proc::cpu_of("journal")
}

fn print(name: &str, (rate, cpu): (f64, f64)) {
    println!("{name:<28}{rate:>12.0}{cpu:>24.2}");
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

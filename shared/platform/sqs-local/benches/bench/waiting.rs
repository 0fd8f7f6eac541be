//! The cost of waiting: the wake-up of a long poll, and ten pollers on an idle queue.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::{Client, request, values};
use crate::{load, proc};

const SAMPLES: usize = 2000;

pub(crate) async fn measure(address: SocketAddr) -> anyhow::Result<()> {
    let url = load::create(address, "waiting").await?;
    let mut times = wake_ups(address, &url).await?;
    times.sort_unstable();
    let at = |quantile: f64| times[(SAMPLES as f64 * quantile) as usize].as_secs_f64() * 1000.0;
    println!(
        "\nsend to receive, long poll waiting: p50 {:.2} ms, p99 {:.2} ms",
        at(0.5),
        at(0.99)
    );

    let poll = format!(r#"{{"QueueUrl":"{url}","WaitTimeSeconds":5}}"#);
    let poll = request("ReceiveMessage", &poll);
    let mut pollers = Vec::new();
    for _ in 0..10 {
        let (mut client, poll) = (Client::connect(address).await?, poll.clone());
        pollers.push(tokio::spawn(async move {
            client.call(&poll).await.map(<[u8]>::len)
        }));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (began, cpu) = (Instant::now(), proc::cpu_of("server"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let share = (proc::cpu_of("server") - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    println!(
        "server CPU with 10 idle pollers: {:.3}% of a core",
        100.0 * share
    );
    for poller in pollers {
        poller.await??;
    }
    Ok(())
}

/// The time from before a send to the arrival of its message at a waiting receive.
async fn wake_ups(address: SocketAddr, url: &str) -> anyhow::Result<Vec<Duration>> {
    let poll = request(
        "ReceiveMessage",
        &format!(r#"{{"QueueUrl":"{url}","WaitTimeSeconds":20}}"#),
    );
    let send = request(
        "SendMessage",
        &format!(r#"{{"QueueUrl":"{url}","MessageBody":"x"}}"#),
    );
    let mut sender = Client::connect(address).await?;
    let mut times = Vec::new();
    let mut poller = Client::connect(address).await?;
    for _ in 0..SAMPLES {
        let (poll, url) = (poll.clone(), url.to_string());
        let waiting = tokio::spawn(async move {
            let answer = poller.call(&poll).await?;
            let arrived = Instant::now();
            let handle = values(answer, "ReceiptHandle")[0].to_string();
            let delete = format!(r#"{{"QueueUrl":"{url}","ReceiptHandle":"{handle}"}}"#);
            poller.call(&request("DeleteMessage", &delete)).await?;
            anyhow::Ok((arrived, poller))
        });
        // Long enough for the poll to wait. A sleep is acceptable here: this is no test.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let sent = Instant::now();
        sender.call(&send).await?;
        let (arrived, back) = waiting.await??;
        poller = back;
        times.push(arrived - sent);
    }
    Ok(times)
}

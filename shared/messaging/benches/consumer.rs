//! The consumer beside a bare loop of the SDK, in one run: the same server, messages and client.
//!
//! `cargo bench -p messaging`. The server is a process of its own, so that the CPU time shown is
//! the client's.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use messaging::{
    Consumer, Destination, Fault, Message, PlainHandler, Provision, QueueSpec, Settings, Sqs,
    Transport,
};
use serde::{Deserialize, Serialize};
use sqs_local::SqsLocal;
use tokio_util::sync::CancellationToken;

const MESSAGES: usize = 20_000;
const BODY: usize = 1_024;
const TASKS: usize = 8;

#[derive(Clone, Serialize, Deserialize)]
struct Letter {
    text: String,
}

impl Message for Letter {
    const KIND: &'static str = "letter";

    fn destinations(&self) -> Vec<Destination> {
        vec!["letters".into()]
    }
}

/// Does nothing but count.
struct Count(Arc<AtomicUsize>);

impl PlainHandler for Count {
    type Message = Letter;

    async fn handle(&self, _: Letter) -> Result<(), Fault> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == "serve") {
        let server = SqsLocal::start("127.0.0.1:0").await?;
        println!("{}", server.endpoint());
        // Until the parent is gone.
        std::io::stdin().lines().for_each(drop);
        return Ok(());
    }
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut endpoint = String::new();
    let output = server.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut endpoint)?;
    let sqs = Sqs::connect(&Settings::endpoint(endpoint.trim())).await?;
    let transport = Transport::from(sqs.clone());
    transport
        .ensure(&QueueSpec::new("letters"), Provision::Create)
        .await?;

    println!("{MESSAGES} messages of {BODY} bytes: received, handled and deleted");
    for round in 1..=3 {
        fill(&sqs).await?;
        measure(&format!("round {round}, bare loop of the SDK"), bare(&sqs)).await?;
        fill(&sqs).await?;
        measure(&format!("round {round}, consumer"), consumer(&transport)).await?;
    }
    drop(server.stdin.take());
    server.wait()?;
    Ok(())
}

async fn fill(sqs: &Sqs) -> anyhow::Result<()> {
    let letter = Letter {
        text: "x".repeat(BODY - 11),
    };
    let transport = Transport::from(sqs.clone());
    let sends = (0..TASKS).map(|_| async {
        let letters = vec![letter.clone(); 10];
        for _ in 0..MESSAGES / TASKS / 10 {
            transport.publish_all(&letters).await?;
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(sends).await?;
    Ok(())
}

async fn bare(sqs: &Sqs) -> anyhow::Result<usize> {
    let client = sqs.client();
    let found = client.get_queue_url().queue_name("letters").send().await?;
    let url = found.queue_url.unwrap_or_default();
    let calls = AtomicUsize::new(0);
    let left = AtomicUsize::new(MESSAGES);
    let tasks = (0..TASKS).map(|_| async {
        while left.load(Ordering::Relaxed) > 0 {
            let receive = client
                .receive_message()
                .queue_url(&url)
                .max_number_of_messages(10);
            let received = receive.send().await?.messages.unwrap_or_default();
            calls.fetch_add(1, Ordering::Relaxed);
            if received.is_empty() {
                continue;
            }
            let entries = received.iter().enumerate().map(|(n, message)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
                entry
                    .set_receipt_handle(message.receipt_handle.clone())
                    .build()
            });
            let entries = entries.collect::<Result<_, _>>()?;
            let delete = client.delete_message_batch().queue_url(&url);
            delete.set_entries(Some(entries)).send().await?;
            calls.fetch_add(1, Ordering::Relaxed);
            left.fetch_sub(received.len(), Ordering::Relaxed);
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(tasks).await?;
    Ok(calls.into_inner())
}

async fn consumer(transport: &Transport) -> anyhow::Result<usize> {
    let count = Arc::new(AtomicUsize::new(0));
    let consumer =
        Consumer::plain(QueueSpec::new("letters"), transport, Count(count.clone())).in_flight(200);
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    while count.load(Ordering::Relaxed) < MESSAGES {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stop.cancel();
    let drained = running.await?;
    anyhow::ensure!(drained.handled as usize == MESSAGES, "{drained}");
    Ok(0)
}

async fn measure(
    what: &str,
    work: impl Future<Output = anyhow::Result<usize>>,
) -> anyhow::Result<()> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let calls = work.await?;
    let wall = wall.elapsed().as_secs_f64();
    let rate = MESSAGES as f64 / wall;
    let cpu =
        cpu_time()
            .zip(cpu)
            .map_or("CPU time is not known here".to_owned(), |(end, start)| {
                let cpu = (end - start).as_secs_f64();
                let each = cpu * 1e6 / MESSAGES as f64;
                format!(
                    "{each:>5.1} µs CPU each, {:>6.0}/s a core",
                    MESSAGES as f64 / cpu
                )
            });
    let calls = match calls {
        0 => String::new(),
        calls => format!(", {} calls per 1,000", calls * 1_000 / MESSAGES),
    };
    println!("{what:<34} {rate:>7.0}/s, {cpu}{calls}");
    Ok(())
}

/// User and system time of this process, in steps of 10 ms; Linux only.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

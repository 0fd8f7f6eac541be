//! Under load: throughput, CPU time and calls, beside a bare loop of receive and delete.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use messaging::{Consumer, QueueSpec, Sqs, Transport};
use tokio_util::sync::CancellationToken;

use crate::letters::{BYTES, Count, Letter, fill};
use crate::system::{Server, cpu_time};
use crate::{Asked, Figure};

const MESSAGES: usize = 20_000;
/// Loops of receive and delete side by side, without any limit, order or second attempt.
const LOOPS: usize = 8;
const ROUNDS: usize = 5;
/// The attributes of SQS's own that the consumer asks for.
const SYSTEM: [MessageSystemAttributeName; 2] = [
    MessageSystemAttributeName::ApproximateReceiveCount,
    MessageSystemAttributeName::SentTimestamp,
];

#[derive(Clone, Copy)]
struct Round {
    /// Messages a second.
    rate: f64,
    /// Messages a second of CPU time.
    per_core: f64,
    /// Calls for 1,000 messages.
    calls: f64,
}

pub(crate) async fn measure(server: &Server, sqs: &Sqs, on: &str) -> anyhow::Result<Vec<Figure>> {
    println!("{MESSAGES} messages of {BYTES} bytes, on {on}: received, handled and deleted");
    let (mut loops, mut readers, mut consumers) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        fill(sqs, MESSAGES).await?;
        loops.push(round("bare loop of the SDK", server, bare(sqs, false)).await?);
        fill(sqs, MESSAGES).await?;
        readers.push(round("the same, and reads", server, bare(sqs, true)).await?);
        fill(sqs, MESSAGES).await?;
        consumers.push(round("consumer", server, consumer(sqs)).await?);
    }
    let middle = |rounds: &[Round], of: fn(&Round) -> f64| {
        let mut values: Vec<_> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let bare_rate = middle(&loops, |round| round.rate);
    Ok(vec![
        Figure {
            what: format!("{on}: throughput beside the bare loop's"),
            measured: 100.0 * middle(&consumers, |round| round.rate) / bare_rate,
            unit: "%",
            asked: Asked::AtLeast(90.0),
        },
        Figure {
            what: format!("{on}: the same beside a loop that reads what it receives"),
            measured: 100.0 * middle(&consumers, |round| round.rate)
                / middle(&readers, |round| round.rate),
            unit: "%",
            asked: Asked::AtLeast(90.0),
        },
        Figure {
            what: format!("{on}: no-op messages a second of client CPU"),
            measured: middle(&consumers, |round| round.per_core),
            unit: "/s a core",
            asked: Asked::AtLeast(40_000.0),
        },
        Figure {
            what: format!("{on}: the same of the bare loop"),
            measured: middle(&loops, |round| round.per_core),
            unit: "/s a core",
            asked: Asked::AtLeast(40_000.0),
        },
        Figure {
            what: format!("{on}: API calls for 1,000 messages"),
            measured: middle(&consumers, |round| round.calls),
            unit: "calls",
            asked: Asked::AtMost(210.0),
        },
    ])
}

/// One that `reads` asks for the attributes that say what a message is and how often it came, and
/// decodes it, as whoever handles messages has to.
async fn bare(sqs: &Sqs, reads: bool) -> anyhow::Result<()> {
    let client = sqs.client();
    let found = client.get_queue_url().queue_name("letters").send().await?;
    let url = found.queue_url.unwrap_or_default();
    let left = AtomicUsize::new(MESSAGES);
    let tasks = (0..LOOPS).map(|_| async {
        while left.load(Ordering::Relaxed) > 0 {
            let receive = client
                .receive_message()
                .queue_url(&url)
                .max_number_of_messages(10)
                .set_message_attribute_names(reads.then(|| vec!["All".to_owned()]))
                .set_message_system_attribute_names(reads.then(|| SYSTEM.to_vec()));
            let received = receive.send().await?.messages.unwrap_or_default();
            if received.is_empty() {
                continue;
            }
            for message in received.iter().filter(|_| reads) {
                let body = message.body.as_deref().unwrap_or_default();
                std::hint::black_box(serde_json::from_str::<Letter>(body)?);
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
            left.fetch_sub(received.len(), Ordering::Relaxed);
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(tasks).await?;
    Ok(())
}

async fn consumer(sqs: &Sqs) -> anyhow::Result<()> {
    let count = Arc::new(AtomicUsize::new(0));
    let transport = Transport::from(sqs.clone());
    let letters = QueueSpec::new("letters");
    let consumer = Consumer::plain(letters, &transport, Count(count.clone())).in_flight(200);
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    while count.load(Ordering::Relaxed) < MESSAGES {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stop.cancel();
    let drained = running.await?;
    anyhow::ensure!(drained.handled as usize == MESSAGES, "{drained}");
    Ok(())
}

async fn round(
    what: &str,
    server: &Server,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Round> {
    server.control("DELETE", "calls", "").await?;
    let (wall, cpu) = (Instant::now(), cpu_time()?);
    work.await?;
    let (wall, cpu) = (wall.elapsed(), cpu_time()? - cpu);
    let calls = server.calls().await?;
    let round = Round {
        rate: MESSAGES as f64 / wall.as_secs_f64(),
        per_core: MESSAGES as f64 / cpu.as_secs_f64(),
        calls: calls as f64 * 1_000.0 / MESSAGES as f64,
    };
    println!(
        "  {what:<22} {:>7.0}/s, {:>5.1} µs CPU each, {:>6.0}/s a core, {:>4.0} calls per 1,000",
        round.rate,
        cpu.as_secs_f64() * 1e6 / MESSAGES as f64,
        round.per_core,
        round.calls,
    );
    Ok(round)
}

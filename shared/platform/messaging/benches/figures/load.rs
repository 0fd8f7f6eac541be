//! Throughput, CPU time and calls under load, compared with a bare loop of receive and delete.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use messaging::{Consumer, ConsumerOptions, QueueSpec, Sqs, Transport};
use tokio_util::sync::CancellationToken;

use crate::bare::bare;
use crate::letters::{BYTES, Count, fill};
use crate::system::{Server, cpu_time};
use crate::{Figure, Goal};

const MESSAGES: usize = 20_000;
/// Concurrent bare loops.
const LOOPS: usize = 8;
const ROUNDS: usize = 5;
#[derive(Clone, Copy)]
struct Round {
    /// Messages per second.
    rate: f64,
    /// Messages per second of CPU time.
    per_core: f64,
    /// Calls per 1,000 messages.
    calls: f64,
}

pub(crate) async fn measure(server: &Server, sqs: &Sqs, on: &str) -> anyhow::Result<Vec<Figure>> {
    println!("{MESSAGES} messages of {BYTES} bytes, on {on}: received, handled and deleted");
    let (mut loops, mut readers, mut consumers) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        fill(sqs, MESSAGES).await?;
        loops.push(
            round(
                "bare loop of the SDK",
                server,
                bare(sqs, LOOPS, MESSAGES, false),
            )
            .await?,
        );
        fill(sqs, MESSAGES).await?;
        readers.push(
            round(
                "the same, and reads",
                server,
                bare(sqs, LOOPS, MESSAGES, true),
            )
            .await?,
        );
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
            what: format!("{on}: throughput relative to the bare loop's"),
            measured: 100.0 * middle(&consumers, |round| round.rate) / bare_rate,
            unit: "%",
            goal: Goal::AtLeast(90.0),
        },
        Figure {
            what: format!("{on}: the same relative to a loop that also reads"),
            measured: 100.0 * middle(&consumers, |round| round.rate)
                / middle(&readers, |round| round.rate),
            unit: "%",
            goal: Goal::AtLeast(90.0),
        },
        Figure {
            what: format!("{on}: no-op messages per second of client CPU"),
            measured: middle(&consumers, |round| round.per_core),
            unit: "/s per core",
            goal: Goal::AtLeast(40_000.0),
        },
        Figure {
            what: format!("{on}: the same of the bare loop"),
            measured: middle(&loops, |round| round.per_core),
            unit: "/s per core",
            goal: Goal::AtLeast(40_000.0),
        },
        Figure {
            what: format!("{on}: API calls per 1,000 messages"),
            measured: middle(&consumers, |round| round.calls),
            unit: "calls",
            goal: Goal::AtMost(210.0),
        },
    ])
}

async fn consumer(sqs: &Sqs) -> anyhow::Result<()> {
    let count = Arc::new(AtomicUsize::new(0));
    let transport = Transport::from(sqs.clone());
    let letters = QueueSpec::new("letters");
    let consumer = Consumer::plain(letters, &transport, Count(count.clone()));
    let consumer = consumer.options(ConsumerOptions {
        in_flight: 200,
        ..ConsumerOptions::default()
    });
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    while count.load(Ordering::Relaxed) < MESSAGES {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stop.cancel();
    let summary = running.await?;
    anyhow::ensure!(summary.handled as usize == MESSAGES, "{summary}");
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
        "  {what:<22} {:>7.0}/s, {:>5.1} µs CPU each, {:>6.0}/s per core, {:>4.0} calls per 1,000",
        round.rate,
        cpu.as_secs_f64() * 1e6 / MESSAGES as f64,
        round.per_core,
        round.calls,
    );
    Ok(round)
}

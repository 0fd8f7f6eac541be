//! A server that is 20 ms away, like Amazon's: throughput within 64 connections, and the time until
//! all pollers are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use messaging::{Consumer, ConsumerOptions, QueueSpec, Sqs, Transport};
use tokio_util::sync::CancellationToken;

use crate::bare::bare;
use crate::letters::{Count, fill};
use crate::system::{Server, connections};
use crate::{Figure, Goal};

const MESSAGES: usize = 40_000;
/// Messages in flight: 10,000 per second at 50 ms each are 500; twice as many, to be safe.
const IN_FLIGHT: usize = 1_000;
/// With one concurrent delete per poller these are 64 connections.
const POLLERS: usize = 32;

pub(crate) async fn measure(server: &Server, sqs: &Sqs) -> anyhow::Result<Vec<Figure>> {
    fill(sqs, MESSAGES).await?;
    let latency = r#"{"latency": {"p50_ms": 20.0, "p99_ms": 20.0}}"#;
    server.control("PUT", "misbehaviour", latency).await?;
    let (rate, connections) = far_away(server, sqs).await?;
    server.control("PUT", "misbehaviour", "{}").await?;

    fill(sqs, MESSAGES).await?;
    server.control("PUT", "misbehaviour", latency).await?;
    let since = Instant::now();
    bare(sqs, 2 * POLLERS, MESSAGES, false).await?;
    let bare = MESSAGES as f64 / since.elapsed().as_secs_f64();
    server.control("PUT", "misbehaviour", "{}").await?;
    println!(
        "20 ms away: {rate:.0}/s, {connections} connections at most; 64 bare loops {bare:.0}/s"
    );

    fill(sqs, MESSAGES).await?;
    server.control("PUT", "misbehaviour", latency).await?;
    let ramp = ramp(sqs).await?;
    server.control("PUT", "misbehaviour", "{}").await?;
    println!("from 1 to 16 pollers in {:.0} ms", ramp.as_secs_f64() * 1e3);
    // Most letters are left, because only the first polls count.
    messaging::dead_letters::purge(sqs, "letters").await?;
    Ok(vec![
        Figure {
            what: "20 ms away: messages per second".into(),
            measured: rate,
            unit: "/s",
            goal: Goal::AtLeast(10_000.0),
        },
        Figure {
            what: "20 ms away: throughput relative to 64 bare loops".into(),
            measured: 100.0 * rate / bare,
            unit: "%",
            goal: Goal::AtLeast(90.0),
        },
        Figure {
            what: "20 ms away: connections".into(),
            measured: connections as f64,
            unit: "open",
            goal: Goal::AtMost(64.0),
        },
        Figure {
            what: "from 1 to 16 pollers, 20 ms away".into(),
            measured: ramp.as_secs_f64(),
            unit: "s",
            goal: Goal::AtMost(2.0),
        },
    ])
}

/// The rate over all messages, including the start, and the maximum connections.
async fn far_away(server: &Server, sqs: &Sqs) -> anyhow::Result<(f64, usize)> {
    let count = Arc::new(AtomicUsize::new(0));
    let consumer = consumer(sqs, count.clone()).options(ConsumerOptions {
        in_flight: IN_FLIGHT,
        pollers: POLLERS,
        ..ConsumerOptions::default()
    });
    let stop = CancellationToken::new();
    let since = Instant::now();
    let running = tokio::spawn(consumer.run(stop.clone()));
    let mut max = 0;
    while count.load(Ordering::Relaxed) < MESSAGES {
        max = max.max(connections(server)?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let rate = MESSAGES as f64 / since.elapsed().as_secs_f64();
    stop.cancel();
    running.await?;
    Ok((rate, max))
}

/// The time until 16 pollers are open, with default options except for room for 16 polls.
async fn ramp(sqs: &Sqs) -> anyhow::Result<Duration> {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let (metrics, _recording) = (
        recorder.handle(),
        metrics::set_default_local_recorder(&recorder),
    );
    let consumer = consumer(sqs, Arc::default()).options(ConsumerOptions {
        in_flight: 160,
        ..ConsumerOptions::default()
    });
    let stop = CancellationToken::new();
    let since = Instant::now();
    let running = tokio::spawn(consumer.run(stop.clone()));
    while !metrics
        .render()
        .contains("messaging_pollers{queue=\"letters\"} 16")
    {
        anyhow::ensure!(
            since.elapsed() < Duration::from_secs(20),
            "never 16 pollers"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let ramp = since.elapsed();
    stop.cancel();
    running.await?;
    Ok(ramp)
}

fn consumer(sqs: &Sqs, count: Arc<AtomicUsize>) -> Consumer {
    let transport = Transport::from(sqs.clone());
    Consumer::plain(QueueSpec::new("letters"), &transport, Count(count))
}

//! The state of the queues over time.

use std::time::Duration;

use analysis::model::QueueSample;
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use crate::measure::queues::{Queue, queues};

/// Four samples per second.
const INTERVAL: Duration = Duration::from_millis(250);
/// A server that is paused or dead gives no sample.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Reads the queues of the server at `url` from `begin` until `end` is cancelled.
///
/// # Errors
/// When no HTTP client can be made.
pub(super) async fn watch(
    url: Option<&str>,
    begin: Instant,
    end: &CancellationToken,
) -> anyhow::Result<Vec<QueueSample>> {
    let mut samples = vec![];
    let Some(url) = url else {
        return Ok(samples);
    };
    let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
    let http = http.build()?;
    let mut ticks = interval_at(begin, INTERVAL);
    while end.run_until_cancelled(ticks.tick()).await.is_some() {
        let at_s = begin.elapsed().as_secs_f64();
        if let Ok(queues) = queues(&http, url).await {
            samples.push(sample(&queues, at_s));
        }
    }
    Ok(samples)
}

/// Deliveries per message since the queues were created, without messages whose delay has not
/// ended. `None` when there are no messages.
pub(super) async fn receives_per_message(url: &str) -> Option<f64> {
    let http = reqwest::Client::builder().no_proxy().build().ok()?;
    let queues = queues(&http, url).await.ok()?;
    let (sent, received) = queues
        .iter()
        .filter(|queue| !queue.has_dead_letters())
        .fold((0, 0), |(sent, received), queue| {
            (sent + queue.sent - queue.delayed, received + queue.received)
        });
    (sent > 0).then(|| received as f64 / sent as f64)
}

/// Dead letters are counted at the end, and a delayed message is not late.
fn sample(queues: &[Queue], at_s: f64) -> QueueSample {
    let queues = queues.iter().filter(|queue| !queue.has_dead_letters());
    let busy = queues.filter(|queue| queue.present() > 0);
    let mut sample = QueueSample {
        at_s,
        messages: 0,
        oldest_s: 0.0,
    };
    for queue in busy {
        sample.messages += queue.present();
        sample.oldest_s = sample.oldest_s.max(queue.oldest_s());
    }
    sample
}

//! The depths of the queues, as the queue server shows them without a call that would be counted.

use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Queue {
    name: String,
    waiting: u64,
    in_flight: u64,
    delayed: u64,
    oldest_age_ms: Option<f64>,
}

/// `None` when the server does not answer.
pub(super) async fn read(http: &reqwest::Client, url: &str) -> Option<Vec<Value>> {
    let answer = http
        .get(format!("{url}/control/queues"))
        .send()
        .await
        .ok()?;
    let queues: Vec<Queue> = answer.json().await.ok()?;
    let dead = |name: &str| {
        let dead_letters = format!("{name}-dlq");
        let found = queues.iter().find(|queue| queue.name == dead_letters);
        found.map_or(0, |queue| queue.waiting + queue.in_flight)
    };
    let living = queues.iter().filter(|queue| !queue.name.ends_with("-dlq"));
    let show = |queue: &Queue| {
        json!({
            "name": queue.name,
            "waiting": queue.waiting,
            "in_flight": queue.in_flight,
            "delayed": queue.delayed,
            "oldest_s": queue.oldest_age_ms.unwrap_or(0.0) / 1_000.0,
            "dead": dead(&queue.name),
        })
    };
    Some(living.map(show).collect())
}

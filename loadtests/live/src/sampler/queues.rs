//! The depths of the queues.

use harness::measure::queues::{Queue, queues};
use serde_json::{Value, json};

/// `None` when the server at `url` does not answer.
pub(super) async fn read(http: &reqwest::Client, url: &str) -> Option<Vec<Value>> {
    let all = queues(http, url).await.ok()?;
    let dead = |name: &str| {
        let dead_letters = format!("{name}-dlq");
        let found = all.iter().find(|queue| queue.name == dead_letters);
        found.map_or(0, Queue::present)
    };
    let living = all.iter().filter(|queue| !queue.has_dead_letters());
    let show = |queue: &Queue| {
        json!({
            "name": queue.name,
            "waiting": queue.waiting,
            "in_flight": queue.in_flight,
            "delayed": queue.delayed,
            "oldest_s": queue.oldest_s(),
            "dead": dead(&queue.name),
        })
    };
    Some(living.map(show).collect())
}

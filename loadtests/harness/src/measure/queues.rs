//! The queues of `sqs-local`, which shows them without a call that it would count.

use serde::Deserialize;

/// A queue at one moment.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Queue {
    pub name: String,
    pub waiting: u64,
    pub in_flight: u64,
    pub delayed: u64,
    /// The age of the oldest message that waits. `None` when none waits.
    pub oldest_age_ms: Option<f64>,
    /// Messages since the queue was created.
    pub sent: u64,
    pub received: u64,
}

impl Queue {
    pub fn has_dead_letters(&self) -> bool {
        self.name.ends_with("-dlq")
    }

    /// Messages that wait for a consumer, or that one has received.
    pub fn present(&self) -> u64 {
        self.waiting + self.in_flight
    }

    /// The age of the oldest message in seconds, 0 without one.
    pub fn oldest_s(&self) -> f64 {
        self.oldest_age_ms.unwrap_or(0.0) / 1_000.0
    }
}

/// All queues of the server at this address.
///
/// # Errors
/// When it does not answer, or is another server.
pub async fn queues(http: &reqwest::Client, server: &str) -> reqwest::Result<Vec<Queue>> {
    let answer = http.get(format!("{server}/control/queues")).send().await?;
    answer.error_for_status()?.json().await
}

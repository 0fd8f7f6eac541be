//! Metrics. Their names are a contract with dashboards; the crate's documentation lists them.

use std::time::{Duration, SystemTime};

use metrics::{counter, gauge, histogram};

use crate::envelope::Delivery;

/// Records the messages of a poll.
pub(crate) fn received(queue: &str, batch: &[Delivery]) {
    let name = || queue.to_owned();
    counter!("messaging_polls_total", "queue" => name()).increment(1);
    counter!("messaging_received_total", "queue" => name()).increment(batch.len() as u64);
    let now = SystemTime::now();
    let ages = batch
        .iter()
        .filter_map(|delivery| now.duration_since(delivery.sent_at?).ok());
    let in_queue = histogram!("messaging_time_in_queue_seconds", "queue" => name());
    let mut oldest = Duration::ZERO;
    for age in ages {
        in_queue.record(age.as_secs_f64());
        oldest = oldest.max(age);
    }
    gauge!("messaging_oldest_received_seconds", "queue" => name()).set(oldest.as_secs_f64());
}

/// Records the number of open polls.
pub(crate) fn pollers(queue: &str, count: usize) {
    gauge!("messaging_pollers", "queue" => queue.to_owned()).set(count as f64);
}

/// Records how long a handler took.
pub(crate) fn worked(queue: &str, took: Duration) {
    histogram!("messaging_handler_seconds", "queue" => queue.to_owned()).record(took.as_secs_f64());
}

/// Counts a request to SQS, each of which costs money.
pub(crate) fn requested(action: &str) {
    counter!("messaging_api_calls_total", "action" => action.to_owned()).increment(1);
}

/// Counts messages that a queue has accepted.
pub(crate) fn sent(queue: String, count: usize) {
    counter!("messaging_sent_total", "queue" => queue).increment(count as u64);
}

/// Counts a queue that was created again.
pub(crate) fn recreated(queue: &str) {
    counter!("messaging_queues_recreated_total", "queue" => queue.to_owned()).increment(1);
}

/// Records the number of missing queues.
pub(crate) fn missing(count: usize) {
    gauge!("messaging_queues_missing").set(count as f64);
}

/// Counts refused entries of a call, by SQS's error code or as without an answer.
pub(crate) fn refused(queue: &str, action: &'static str, code: Option<&str>, count: usize) {
    let code = code.unwrap_or("no answer").to_owned();
    let queue = queue.to_owned();
    counter!("messaging_refused_total", "queue" => queue, "action" => action, "code" => code)
        .increment(count as u64);
}

/// Counts a message that was parked in the outbox.
pub(crate) fn parked(queue: &str) {
    counter!("messaging_parked_total", "queue" => queue.to_owned()).increment(1);
}

/// Counts messages by outcome: `handled`, `retried`, `rejected`, `returned` or `lost`.
pub(crate) fn ended(queue: &str, how: &'static str, count: usize) {
    if count > 0 {
        counter!("messaging_messages_total", "queue" => queue.to_owned(), "outcome" => how)
            .increment(count as u64);
    }
}

/// Counts messages that the inbox had recorded before.
pub(crate) fn duplicates(queue: &str, count: usize) {
    if count > 0 {
        counter!("messaging_duplicates_total", "queue" => queue.to_owned()).increment(count as u64);
    }
}

use messaging::{Local, Settings};
use sandbox::testing::until;

/// The settings of a service whose queues are in this process.
pub fn in_process(queues: &Local) -> Settings {
    Settings {
        transport: Some(queues.clone().into()),
        ..Settings::default()
    }
}

/// How many messages in `queue` contain all of these words, such as a fact and an order's id.
pub fn published(queues: &Local, queue: &str, words: &[&str]) -> usize {
    let bodies = queues.peek(queue);
    let matches = |body: &&String| words.iter().all(|word| body.contains(word));
    bodies.iter().filter(matches).count()
}

/// Waits until `queue` has at least `times` messages that contain all of these words.
pub async fn until_published(queues: &Local, queue: &str, words: &[&str], times: usize) {
    let what = format!("{queue} has {words:?} {times} times");
    let is_published = async || published(queues, queue, words) >= times;
    until(&what, is_published).await;
}

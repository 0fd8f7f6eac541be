//! The cost of an operation and of memory, as a queue grows from a thousand messages to a million.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use sqs_local::Attributes;
use sqs_queue::{Receive, Settings, Time};
use uuid::Uuid;

use crate::proc;

/// As large as the server's own payload: body, MD5, attributes, trace header, sender, time.
type Payload = (
    Box<RawValue>,
    [u8; 16],
    Attributes,
    Option<String>,
    Arc<str>,
    Time,
);
type Queue = sqs_queue::Queue<Payload>;
type Content = sqs_queue::Content<Payload>;
type Received = sqs_queue::Received<Payload>;

const SAMPLE: usize = 20_000;
const ROUNDS: usize = 7;

/// This must run first: later, freed memory would be used again.
pub(crate) fn memory() {
    let before = proc::resident();
    let mut queue = Queue::new(1, Settings::new(false));
    let count = 1_000_000;
    for _ in 0..count {
        queue.send(Time(1_000_000), content(), None);
    }
    let share = (proc::resident() - before) / (count as f64 * 1024.0);
    println!("memory of 1,000,000 waiting messages of 1 KiB: {share:.2} x their bodies");
    drop(queue);
}

pub(crate) fn measure() {
    println!("\nnanoseconds per operation, in a queue with this many messages waiting and delayed");
    println!("each, and up to 100,000 in flight; free: to free one of as many outside a queue");
    println!(
        "{:>10}{:>10}{:>12}{:>10}{:>10}",
        "", "send", "receive 1", "delete", "free"
    );
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        let mut queue = Queue::new(1, Settings::new(false));
        let now = Time(1_000_000);
        for _ in 0..count {
            queue.send(now, content(), Some(Duration::from_secs(900)));
        }
        for _ in 0..count.min(100_000) {
            queue.send(now, content(), None);
        }
        while queue.depth(now).in_flight < count.min(100_000) {
            receive(&mut queue, now, 10);
        }
        for _ in 0..count {
            queue.send(now, content(), None);
        }
        let [send, receive, delete] = median(|| measure_one(&mut queue, now));
        drop(queue);
        let mut contents: Vec<_> = (0..2 * count).map(|_| content()).collect();
        let [free] = median(|| free(&mut contents, count));
        println!("{count:>10}{send:>10}{receive:>12}{delete:>10}{free:>10}");
    }
}

/// The median of each figure.
fn median<const N: usize>(mut measure: impl FnMut() -> [usize; N]) -> [usize; N] {
    let rounds: Vec<_> = (0..ROUNDS).map(|_| measure()).collect();
    std::array::from_fn(|figure| {
        let mut figures: Vec<_> = rounds.iter().map(|round| round[figure]).collect();
        figures.sort_unstable();
        figures[ROUNDS / 2]
    })
}

/// The cost of freeing a message outside a queue, among as many others.
fn free(contents: &mut Vec<Arc<Content>>, first: usize) -> [usize; 1] {
    contents.extend((0..SAMPLE).map(|_| content()));
    let contents: Vec<_> = contents.drain(first..first + SAMPLE).collect();
    let began = Instant::now();
    drop(contents);
    [each(began.elapsed())]
}

fn each(time: Duration) -> usize {
    time.as_nanos() as usize / SAMPLE
}

fn measure_one(queue: &mut Queue, now: Time) -> [usize; 3] {
    let contents: Vec<_> = (0..SAMPLE).map(|_| content()).collect();
    let began = Instant::now();
    for content in contents {
        queue.send(now, content, None);
    }
    let send = each(began.elapsed());

    let mut receipts = Vec::new();
    let (mut received, mut deleted) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..SAMPLE / 500 {
        let began = Instant::now();
        for _ in 0..500 {
            receipts.extend(
                receive(queue, now, 1)
                    .deliveries
                    .into_iter()
                    .map(|d| d.receipt),
            );
        }
        received += began.elapsed();
        let began = Instant::now();
        for receipt in receipts.drain(..) {
            queue.delete(now, receipt).expect("it is in flight");
        }
        deleted += began.elapsed();
    }
    [send, each(received), each(deleted)]
}

fn receive(queue: &mut Queue, now: Time, max: usize) -> Received {
    queue.receive(
        now,
        &Receive {
            max,
            ..Receive::default()
        },
    )
}

fn content() -> Arc<Content> {
    let body = format!("\"{}\"", "x".repeat(1024));
    Arc::new(Content {
        id: Uuid::nil(),
        group: None,
        deduplication_id: None,
        payload: (
            RawValue::from_string(body).expect("a JSON string"),
            [0; 16],
            Attributes::new(),
            None,
            Arc::from("000000000000"),
            Time(1_000_000),
        ),
    })
}

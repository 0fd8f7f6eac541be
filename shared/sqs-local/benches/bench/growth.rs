//! The cost of an operation, and memory, as a queue grows from a thousand messages to a million.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use sqs_local::queue::{Content, Queue, Receive, Received};
use sqs_local::{Attributes, Md5, Settings, Time};
use uuid::Uuid;

use crate::proc;

const SAMPLE: usize = 20_000;

pub(crate) fn measure() {
    // First, while the process has no freed memory that would be used again.
    memory();
    println!("\nnanoseconds an operation, in a queue with so many messages waiting, and so many");
    println!("delayed, and up to 100,000 in flight");
    println!(
        "{:>10}{:>10}{:>12}{:>10}",
        "", "send", "receive 1", "delete"
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
        measure_one(&mut queue, now, count);
    }
}

fn measure_one(queue: &mut Queue, now: Time, count: usize) {
    let each = |time: Duration| time.as_nanos() as usize / SAMPLE;
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
    println!(
        "{count:>10}{send:>10}{:>12}{:>10}",
        each(received),
        each(deleted)
    );
}

fn memory() {
    let before = proc::resident();
    let mut queue = Queue::new(1, Settings::new(false));
    let count = 1_000_000;
    for _ in 0..count {
        queue.send(Time(1_000_000), content(), None);
    }
    let share = (proc::resident() - before) / (count as f64 * 1024.0);
    println!("\nmemory of 1,000,000 waiting messages of 1 KiB: {share:.2} x their bodies");
    drop(queue);
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
        body: RawValue::from_string(body).expect("a JSON string"),
        md5: Md5::default(),
        attributes: Attributes::new(),
        trace_header: None,
        sender: Arc::from("000000000000"),
        sent: Time(1_000_000),
        group: None,
        deduplication_id: None,
    })
}

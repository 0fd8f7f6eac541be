//! Dead letters of FIFO queues, which ignore duplicates for 5 min.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::dead_letters::{self, Selection};
use messaging::{Consumer, Error, Fault, PlainHandler, Provision, QueueSpec, Transport};
use sqs_local::Control;
use tokio_util::sync::CancellationToken;

use crate::fixture::{quick, sqs, until};
use crate::promises_in_order::Step;

fn step(n: i32) -> Step {
    let group = "a".into();
    Step { group, n }
}

/// Rejects every step.
struct Refuse;

impl PlainHandler for Refuse {
    type Message = Step;
    type Output = ();

    async fn handle(&self, _: Step) -> Result<(), Fault> {
        Err(Fault::reject("not this way"))
    }
}

/// The number of messages of a queue, in any state.
fn depth(control: &Control, queue: &str) -> usize {
    let queues = control.queues();
    let queue = queues.iter().find(|found| found.name == queue).unwrap();
    queue.waiting + queue.in_flight + queue.delayed
}

#[tokio::test]
async fn a_message_that_was_rejected_and_redriven_can_be_rejected_again_at_once() {
    let (server, sqs) = sqs().await;
    let control = server.control();
    let transport = Transport::from(sqs.clone());
    let steps = quick("steps.fifo");
    transport.ensure(&steps, Provision::Create).await.unwrap();
    transport.publish_all(&[step(0), step(1)]).await.unwrap();
    for round in 0..3 {
        assert_eq!(depth(&control, "steps.fifo"), 2, "in round {round}");
        let stop = CancellationToken::new();
        let consumer = Consumer::plain(steps.clone(), &transport, Refuse);
        let running = tokio::spawn(consumer.run(stop.clone()));
        until("both are out of the queue", async || {
            depth(&control, "steps.fifo") == 0
        })
        .await;
        stop.cancel();
        running.await.unwrap();
        assert_eq!(depth(&control, "steps-dlq.fifo"), 2, "in round {round}");

        let redriven = dead_letters::redrive(&sqs, "steps-dlq.fifo", &Selection::All, 1e3).await;
        assert_eq!(redriven.unwrap().moved, 2, "in round {round}");
        assert_eq!(depth(&control, "steps-dlq.fifo"), 0, "in round {round}");
    }
}

#[tokio::test]
async fn a_queue_that_is_no_dead_letter_queue_is_not_redriven() {
    let (server, sqs) = sqs().await;
    let transport = Transport::from(sqs.clone());
    let steps = quick("steps.fifo");
    transport.ensure(&steps, Provision::Create).await.unwrap();
    transport.publish(&step(0)).await.unwrap();
    let redriven = dead_letters::redrive(&sqs, "steps.fifo", &Selection::All, 1e3).await;
    assert!(
        matches!(redriven, Err(Error::NoDeadLetters { .. })),
        "{redriven:?}"
    );
    assert_eq!(depth(&server.control(), "steps.fifo"), 1);
}

/// Fails for the first step, and counts the others.
struct FailsFirst(Arc<AtomicUsize>);

impl PlainHandler for FailsFirst {
    type Message = Step;
    type Output = ();

    async fn handle(&self, step: Step) -> Result<(), Fault> {
        match step.n {
            0 => Err(Fault::retry_after(Duration::ZERO, "failed")),
            _ => {
                self.0.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        }
    }
}

#[tokio::test]
async fn messages_behind_one_that_becomes_a_dead_letter_are_still_handled() {
    let (server, sqs) = sqs().await;
    let control = server.control();
    let transport = Transport::from(sqs.clone());
    let steps = QueueSpec {
        max_attempts: 3,
        ..quick("steps.fifo")
    };
    transport.ensure(&steps, Provision::Create).await.unwrap();
    let all: Vec<_> = (0..5).map(step).collect();
    transport.publish_all(&all).await.unwrap();
    let tried = Arc::new(AtomicUsize::new(0));
    let stop = CancellationToken::new();
    let consumer = Consumer::plain(steps, &transport, FailsFirst(tried.clone()));
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("the queue is empty", async || {
        depth(&control, "steps.fifo") == 0
    })
    .await;
    stop.cancel();
    let summary = running.await.unwrap();
    assert_eq!(tried.load(Ordering::SeqCst), 4, "{summary}");
    assert_eq!((summary.handled, summary.rejected), (4, 1), "{summary}");
    assert_eq!(depth(&control, "steps-dlq.fifo"), 1);
}

/// Fails always for the first step, and once for each other.
struct FailsOnce(std::sync::Mutex<Vec<i32>>);

impl PlainHandler for FailsOnce {
    type Message = Step;
    type Output = ();

    async fn handle(&self, step: Step) -> Result<(), Fault> {
        let mut failed = self.0.lock().unwrap();
        if step.n > 0 && failed.contains(&step.n) {
            return Ok(());
        }
        failed.push(step.n);
        Err(Fault::retry_after(Duration::ZERO, "failed"))
    }
}

#[tokio::test]
async fn a_return_is_not_an_attempt() {
    let (server, sqs) = sqs().await;
    let control = server.control();
    let transport = Transport::from(sqs.clone());
    let steps = QueueSpec {
        max_attempts: 3,
        ..quick("steps.fifo")
    };
    transport.ensure(&steps, Provision::Create).await.unwrap();
    transport
        .publish_all(&[step(0), step(1), step(2)])
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let consumer = Consumer::plain(steps, &transport, FailsOnce(Default::default()));
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("the queue is empty", async || {
        depth(&control, "steps.fifo") == 0
    })
    .await;
    stop.cancel();
    let summary = running.await.unwrap();
    assert_eq!((summary.handled, summary.rejected), (2, 1), "{summary}");
}

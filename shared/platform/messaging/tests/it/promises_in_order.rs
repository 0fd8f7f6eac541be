//! The promise of order, on SQS (see `promises.rs`) and on queues in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{
    CallFault, Consumer, Destination, Fault, Local, Message, Provision, QueueCall, QueueSpec,
    Runtime, Transport,
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::endpoint::{Endpoint, Running};
use crate::fixture::{Fixture, until};

/// A numbered step of a group.
#[derive(Serialize, Deserialize)]
pub struct Step {
    pub group: String,
    pub n: i32,
}

impl Message for Step {
    const KIND: &'static str = "step";

    fn destinations(&self) -> Vec<Destination> {
        vec!["steps.fifo".into()]
    }

    fn ordering_key(&self) -> Option<String> {
        Some(self.group.clone())
    }
}

type Walked = Arc<std::sync::Mutex<Vec<(String, i32)>>>;

/// Fails for every fourth step the first time.
struct Walk {
    walked: Walked,
    failed: AtomicUsize,
}

impl messaging::PlainHandler for Walk {
    type Message = Step;
    type Output = ();

    async fn handle(&self, step: Step) -> Result<(), Fault> {
        let bit = 1 << (step.n + 10 * i32::from(step.group == "a"));
        if step.n % 4 == 3 && self.failed.fetch_or(bit, Ordering::SeqCst) & bit == 0 {
            return Err(Fault::retry_after(Duration::from_secs(1), "failed"));
        }
        sleep(Duration::from_millis(10)).await;
        self.walked.lock().unwrap().push((step.group, step.n));
        Ok(())
    }
}

#[tokio::test]
async fn groups_keep_their_order_through_failures() {
    let endpoint = Endpoint::new().await;
    walk_in_order(&endpoint.transport()).await;
    endpoint.end().await;
}

#[tokio::test(start_paused = true)]
async fn groups_keep_their_order_on_a_queue_in_this_process() {
    walk_in_order(&Local::new().into()).await;
}

/// Handles two groups of ten steps each, some of which fail the first time.
async fn walk_in_order(transport: &Transport) {
    let steps = QueueSpec {
        visibility_timeout: Duration::from_secs(2),
        ..QueueSpec::new("steps.fifo")
    };
    transport.ensure(&steps, Provision::Create).await.unwrap();
    for n in 0..10 {
        for group in ["a", "b"] {
            transport.publish(&step(group, n)).await.unwrap();
        }
    }
    let walked = Walked::default();
    let walk = Walk {
        walked: walked.clone(),
        failed: AtomicUsize::new(0),
    };
    let running = Running::start(Consumer::plain(steps, transport, walk));
    until("all steps are taken", async || {
        walked.lock().unwrap().len() >= 20
    })
    .await;
    running.end().await;
    for group in ["a", "b"] {
        let walked = walked.lock().unwrap();
        let steps = walked.iter().filter(|(g, _)| g == group).map(|(_, n)| *n);
        assert_eq!(
            steps.collect::<Vec<_>>(),
            (0..10).collect::<Vec<_>>(),
            "{group}"
        );
    }
}

fn step(group: &str, n: i32) -> Step {
    let group = group.to_owned();
    Step { group, n }
}

#[tokio::test]
async fn a_fifo_queue_in_this_process_accepts_a_message_once_that_is_sent_twice() {
    let fixture = Fixture::new().await;
    let sends = Arc::new(AtomicUsize::new(0));
    let counted = sends.clone();
    // The answer to the first send is lost, so the relay sends the message again.
    let local = Local::with_faults(move |call| match call {
        QueueCall::Send if counted.fetch_add(1, Ordering::SeqCst) == 0 => CallFault::Ambiguous,
        _ => CallFault::None,
    });
    let service = Runtime::new(&fixture.db, local.clone()).queues([QueueSpec::new("steps.fifo")]);
    let outbox = service.outbox();
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    let mut tx = outbox.begin().await.unwrap();
    tx.push(&step("a", 1)).unwrap();
    tx.commit().await.unwrap();
    until("the relay has sent it twice", async || {
        fixture.count("outbox").await == 0
    })
    .await;
    assert_eq!(sends.load(Ordering::SeqCst), 2);
    assert_eq!(local.depth("steps.fifo"), 1);
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

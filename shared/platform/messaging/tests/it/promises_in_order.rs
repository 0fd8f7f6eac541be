//! The promise of order, on SQS; see `promises.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{Consumer, Destination, Fault, Message, Provision, QueueSpec};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::endpoint::{Endpoint, Running};
use crate::fixture::until;

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
    let steps = QueueSpec {
        visibility_timeout: Duration::from_secs(2),
        ..QueueSpec::new("steps.fifo")
    };
    endpoint
        .transport()
        .ensure(&steps, Provision::Create)
        .await
        .unwrap();
    for n in 0..10 {
        for group in ["a", "b"] {
            let step = Step {
                group: group.into(),
                n,
            };
            endpoint.transport().publish(&step).await.unwrap();
        }
    }
    let walked = Walked::default();
    let walk = Walk {
        walked: walked.clone(),
        failed: AtomicUsize::new(0),
    };
    let consumer = Consumer::plain(steps, &endpoint.transport(), walk);
    let running = Running::start(consumer);
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
    endpoint.end().await;
}

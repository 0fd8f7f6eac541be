//! Messages on their way between queues: dead letters, and move tasks that bring them back. Each
//! message is in exactly one of the two queues, whenever the server dies.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::client::Client;

const QUEUE: &str = "fragile";
const DEAD: &str = "fragile-dead";
const MESSAGES: usize = 60;

pub(super) struct Moves {
    random: StdRng,
}

impl Moves {
    pub(super) fn new(seed: u64) -> Moves {
        let random = StdRng::seed_from_u64(seed);
        Moves { random }
    }

    pub(super) async fn create(&self, client: &mut Client) {
        client.create(DEAD, json!({})).await.unwrap();
        let policy = json!({ "deadLetterTargetArn": arn(DEAD), "maxReceiveCount": 1 });
        let attributes = json!({ "VisibilityTimeout": "0", "RedrivePolicy": policy.to_string() });
        client.create(QUEUE, attributes).await.unwrap();
        for body in 0..MESSAGES {
            let document = json!({ "QueueUrl": QUEUE, "MessageBody": body.to_string() });
            client.succeed("SendMessage", document).await.unwrap();
        }
    }

    /// Waits until each message is seen once: tasks go on, so one look may miss a message that
    /// moves, or see it twice.
    pub(super) async fn check(&self, client: &mut Client) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let mut seen = BTreeMap::<String, usize>::new();
            for queue in [QUEUE, DEAD] {
                for message in client.peek(queue).await.unwrap() {
                    *seen
                        .entry(message["body"].as_str().unwrap().into())
                        .or_default() += 1;
                }
            }
            let once = seen.values().all(|count| *count == 1);
            if once && seen.len() == MESSAGES {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "{} messages: {seen:?}",
                seen.len()
            );
            tokio::task::yield_now().await;
        }
        self.check_task(client).await;
    }

    /// A task that was running before the kill goes on to its end.
    async fn check_task(&self, client: &mut Client) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let list = json!({ "SourceArn": arn(DEAD) });
        loop {
            let tasks = client
                .succeed("ListMessageMoveTasks", list.clone())
                .await
                .unwrap();
            let Some(task) = tasks["Results"].get(0) else {
                return;
            };
            if ["COMPLETED", "CANCELLED"].contains(&task["Status"].as_str().unwrap()) {
                return;
            }
            assert!(Instant::now() < deadline, "{task}");
            tokio::task::yield_now().await;
        }
    }

    /// Receives until messages are dead, and moves them back, until the server is gone.
    pub(super) async fn work(&mut self, address: SocketAddr) {
        if let Ok(mut client) = Client::connect(address).await {
            while self.step(&mut client).await.is_ok() {}
        }
    }

    async fn step(&mut self, client: &mut Client) -> io::Result<()> {
        let receive = json!({ "QueueUrl": QUEUE, "MaxNumberOfMessages": 10 });
        client.succeed("ReceiveMessage", receive).await?;
        let list = json!({ "SourceArn": arn(DEAD) });
        let tasks = client.succeed("ListMessageMoveTasks", list).await?;
        let status = &tasks["Results"][0]["Status"];
        if status == "RUNNING" && self.random.random_range(0..50) == 0 {
            let handle = &tasks["Results"][0]["TaskHandle"];
            // It may have ended in the meantime.
            client
                .call("CancelMessageMoveTask", json!({ "TaskHandle": handle }))
                .await?;
        }
        if status != "RUNNING" && status != "CANCELLING" {
            let rate = self.random.random_range(100..=500);
            let start = json!({ "SourceArn": arn(DEAD), "MaxNumberOfMessagesPerSecond": rate });
            client.succeed("StartMessageMoveTask", start).await?;
        }
        Ok(())
    }
}

fn arn(queue: &str) -> Value {
    json!(format!("arn:aws:sqs:us-east-1:000000000000:{queue}"))
}

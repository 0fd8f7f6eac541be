//! A FIFO queue with one client, which repeats each call that was not answered after the restart.
//! Every call is repeatable: a send by its deduplication id, a receive by its attempt id, a delete
//! and a release by their receipt. So the model is exact: one copy of each message, in order.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::client::Client;

const QUEUE: &str = "ordered.fifo";
const GROUPS: usize = 4;

pub(super) struct Fifo {
    random: StdRng,
    /// The number of the latest message and of the latest attempt.
    last: u64,
    /// The messages of each group, in order, each with its receive count.
    groups: BTreeMap<String, VecDeque<(String, u64)>>,
    /// Messages in flight: group, body and receipt.
    received: Vec<(String, String, String)>,
    /// The call that is not answered yet.
    call: Option<Call>,
}

#[derive(Clone, Debug)]
enum Call {
    Send { group: String, body: String },
    Receive { attempt: String },
    Delete { index: usize },
    Release,
}

impl Fifo {
    pub(super) fn new(seed: u64) -> Fifo {
        Fifo {
            random: StdRng::seed_from_u64(seed),
            last: 0,
            groups: BTreeMap::new(),
            received: Vec::new(),
            call: None,
        }
    }

    pub(super) async fn create(&self, client: &mut Client) {
        let attributes = json!({ "FifoQueue": "true", "VisibilityTimeout": "43200" });
        client.create(QUEUE, attributes).await.unwrap();
    }

    /// Holds the queue against the model.
    pub(super) async fn check(&mut self, client: &mut Client) {
        self.finish(client).await.unwrap();
        let mut observed = BTreeMap::<String, VecDeque<(String, u64)>>::new();
        for seen in client.peek(QUEUE).await.unwrap() {
            let text = |name: &str| seen[name].as_str().unwrap().to_string();
            let group = observed.entry(text("message_group_id")).or_default();
            group.push_back((text("body"), seen["receive_count"].as_u64().unwrap()));
        }
        self.groups.retain(|_, messages| !messages.is_empty());
        assert_eq!(observed, self.groups);
    }

    /// Works until the server is gone.
    pub(super) async fn work(&mut self, address: SocketAddr) {
        let Ok(mut client) = Client::connect(address).await else {
            return;
        };
        loop {
            self.last += 1;
            self.call = Some(self.next());
            if self.finish(&mut client).await.is_err() {
                return;
            }
        }
    }

    fn next(&mut self) -> Call {
        let waiting: usize = self.groups.values().map(VecDeque::len).sum();
        match (self.random.random_range(0..10), self.received.len()) {
            (0, 1..) => Call::Release,
            (1.., in_flight @ 1..) => {
                let index = self.random.random_range(0..in_flight);
                Call::Delete { index }
            }
            (choice, _) if choice < 4 && waiting > 0 || waiting > 200 => Call::Receive {
                attempt: format!("attempt-{}", self.last),
            },
            _ => Call::Send {
                group: format!("group-{}", self.random.random_range(0..GROUPS)),
                body: self.last.to_string(),
            },
        }
    }

    /// Makes the call, or repeats it, and applies it to the model.
    async fn finish(&mut self, client: &mut Client) -> io::Result<()> {
        let Some(call) = self.call.clone() else {
            return Ok(());
        };
        match call {
            Call::Send { group, body } => self.send(client, group, body).await?,
            Call::Receive { attempt } => self.receive(client, &attempt).await?,
            Call::Delete { index } => self.delete(client, index).await?,
            Call::Release => self.release(client).await?,
        }
        self.call = None;
        Ok(())
    }

    async fn send(&mut self, client: &mut Client, group: String, body: String) -> io::Result<()> {
        let document = json!({
            "QueueUrl": QUEUE,
            "MessageBody": body,
            "MessageGroupId": group,
            "MessageDeduplicationId": body,
        });
        client.succeed("SendMessage", document).await?;
        self.groups.entry(group).or_default().push_back((body, 0));
        Ok(())
    }

    async fn receive(&mut self, client: &mut Client, attempt: &str) -> io::Result<()> {
        let document = json!({
            "QueueUrl": QUEUE,
            "MaxNumberOfMessages": 5,
            "ReceiveRequestAttemptId": attempt,
            "MessageSystemAttributeNames": ["MessageGroupId", "ApproximateReceiveCount"],
        });
        let answer = client.succeed("ReceiveMessage", document).await?;
        let mut places = BTreeMap::<String, usize>::new();
        for received in answer["Messages"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap().to_string();
            let attributes = &received["Attributes"];
            let group = text(&attributes["MessageGroupId"]);
            let place = places.entry(group.clone()).or_default();
            // No message comes before an earlier one of its group.
            let (body, receives) = &mut self.groups.get_mut(&group).unwrap()[*place];
            assert_eq!(received["Body"], **body);
            *receives += 1;
            assert_eq!(attributes["ApproximateReceiveCount"], receives.to_string());
            *place += 1;
            let receipt = text(&received["ReceiptHandle"]);
            self.received.push((group, body.clone(), receipt));
        }
        assert!(
            !self.received.is_empty(),
            "messages wait, and none was received"
        );
        Ok(())
    }

    async fn delete(&mut self, client: &mut Client, index: usize) -> io::Result<()> {
        let (group, body, receipt) = &self.received[index];
        let document = json!({ "QueueUrl": QUEUE, "ReceiptHandle": receipt });
        client.succeed("DeleteMessage", document).await?;
        let messages = self.groups.get_mut(group).unwrap();
        messages.retain(|(other, _)| other != body);
        self.received.remove(index);
        Ok(())
    }

    /// Makes all messages in flight visible again, the last first.
    async fn release(&mut self, client: &mut Client) -> io::Result<()> {
        while let Some((_, _, receipt)) = self.received.last() {
            let document = json!({
                "QueueUrl": QUEUE,
                "ReceiptHandle": receipt,
                "VisibilityTimeout": 0,
            });
            let answer = client.call("ChangeMessageVisibility", document).await?;
            // A repeated release finds the message visible already.
            assert!([200, 400].contains(&answer.status), "{answer:?}");
            self.received.pop();
        }
        Ok(())
    }
}

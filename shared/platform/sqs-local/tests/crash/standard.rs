//! A standard queue under several workers: what may have become of each message, given the calls
//! and their answers. A call without an answer makes another state possible.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::client::Client;

const GONE: &str = "gone";
const WAITING: &str = "waiting";
const DELAYED: &str = "delayed";
const IN_FLIGHT: &str = "in flight";

/// From this many messages on, the queue is deleted and another one takes its place.
const MANY: usize = 2_000;

pub(super) struct Standard {
    queue: Mutex<String>,
    /// By body.
    messages: Mutex<BTreeMap<String, Message>>,
    /// Receives without an answer since the latest check.
    lost_receives: AtomicU64,
}

#[derive(Debug)]
struct Message {
    /// The states that it may be in.
    states: BTreeSet<&'static str>,
    /// How often it was received at least and at most.
    receives: (u64, u64),
    /// From its latest receive.
    receipt: Option<String>,
    /// A call about it is under way.
    is_busy: bool,
}

impl Standard {
    pub(super) fn new() -> Standard {
        Standard {
            queue: Mutex::new(String::new()),
            messages: Mutex::default(),
            lost_receives: AtomicU64::new(0),
        }
    }

    /// Holds the queue against the model. What is seen then replaces what was possible.
    pub(super) async fn check(&self, client: &mut Client, round: usize) {
        if round == 0 || self.messages().len() >= MANY {
            return self.replace_queue(client, round).await;
        }
        let lost_receives = self.lost_receives.swap(0, Relaxed);
        let observed = client.peek(&self.queue()).await.unwrap();
        let mut expected = std::mem::take(&mut *self.messages());
        for seen in observed {
            let body: String = serde_json::from_value(seen["body"].clone()).unwrap();
            let Some(mut message) = expected.remove(&body) else {
                panic!("{body} came back, or is there twice: {seen}");
            };
            if message.states.contains(WAITING) {
                message.states.insert(IN_FLIGHT);
                message.receives.1 += lost_receives;
            }
            let state = seen["state"].as_str().unwrap();
            let Some(state) = message.states.get(state).copied() else {
                panic!("{body} is {state}: {message:?}");
            };
            let (receives, (least, most)) = (&seen["receive_count"], message.receives);
            let receives = receives.as_u64().unwrap();
            assert!(
                (least..=most).contains(&receives),
                "{body}: {seen}, {message:?}"
            );
            let is_latest = state == IN_FLIGHT && receives == least;
            let message = Message {
                states: [state].into(),
                receives: (receives, receives),
                receipt: message.receipt.filter(|_| is_latest),
                is_busy: false,
            };
            self.messages().insert(body, message);
        }
        expected.retain(|_, message| !message.states.contains(GONE));
        assert!(expected.is_empty(), "lost: {expected:?}");
    }

    async fn replace_queue(&self, client: &mut Client, round: usize) {
        let old = std::mem::replace(
            &mut *self.queue.lock().unwrap(),
            format!("standard-{round}"),
        );
        self.messages().clear();
        self.lost_receives.store(0, Relaxed);
        if !old.is_empty() {
            let delete = json!({ "QueueUrl": old });
            client.succeed("DeleteQueue", delete).await.unwrap();
        }
        // Messages in flight stay there: no timeout ends during the test.
        let attributes = json!({ "VisibilityTimeout": "43200" });
        client.create(&self.queue(), attributes).await.unwrap();
    }

    /// Sends, receives, deletes and releases until the server is gone.
    pub(super) async fn work(&self, address: SocketAddr, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let Ok(mut client) = Client::connect(address).await else {
            return;
        };
        // Of ten calls. With few, receives often wait for a send.
        let sends = random.random_range(1..=4);
        for step in 0.. {
            let name = format!("{seed}-{step}");
            let result = match random.random_range(0..10) {
                choice if choice < sends => self.send(&mut client, &name, &mut random).await,
                ..7 => self.receive(&mut client, &mut random).await,
                7..9 => self.delete(&mut client, &mut random).await,
                _ => self.release(&mut client, &mut random).await,
            };
            if result.is_err() {
                return;
            }
        }
    }

    async fn send(&self, client: &mut Client, name: &str, random: &mut StdRng) -> io::Result<()> {
        let count = random.random_range(1..=10);
        let (delay, state) = match random.random_range(0..8) {
            0 => (900, DELAYED),
            _ => (0, WAITING),
        };
        let bodies: Vec<_> = (0..count).map(|n| format!("{name}-{n}")).collect();
        for body in &bodies {
            let message = Message {
                states: [GONE, state].into(),
                receives: (0, 0),
                receipt: None,
                is_busy: false,
            };
            self.messages().insert(body.clone(), message);
        }
        let entry = |(id, body): (usize, &String)| {
            let id = id.to_string();
            json!({ "Id": id, "MessageBody": body, "DelaySeconds": delay })
        };
        let entries: Vec<_> = bodies.iter().enumerate().map(entry).collect();
        let document = json!({ "QueueUrl": self.queue(), "Entries": entries });
        let answer = client.succeed("SendMessageBatch", document).await?;
        assert_eq!(answer["Successful"].as_array().unwrap().len(), count);
        for body in &bodies {
            // Unless another worker received it, or deleted it, before this answer came.
            let mut messages = self.messages();
            let message = messages.get_mut(body);
            if let Some(message) = message.filter(|message| message.receives.0 == 0) {
                message.states.remove(GONE);
            }
        }
        Ok(())
    }

    async fn receive(&self, client: &mut Client, random: &mut StdRng) -> io::Result<()> {
        let max = random.random_range(1..=10);
        let document = json!({
            "QueueUrl": self.queue(),
            "MaxNumberOfMessages": max,
            "WaitTimeSeconds": random.random_range(0..=1),
            "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
        });
        let answer = client.succeed("ReceiveMessage", document).await;
        if answer.is_err() {
            self.lost_receives.fetch_add(1, Relaxed);
        }
        for received in answer?["Messages"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap().to_string();
            let count = text(&received["Attributes"]["ApproximateReceiveCount"]);
            let count: u64 = count.parse().unwrap();
            self.change(&text(&received["Body"]), |message| {
                assert!(message.states.contains(WAITING), "{received}, {message:?}");
                assert_eq!(count, message.receives.0 + 1, "{received}, {message:?}");
                *message = Message {
                    states: [IN_FLIGHT].into(),
                    receives: (count, count),
                    receipt: Some(text(&received["ReceiptHandle"])),
                    is_busy: false,
                };
            });
        }
        Ok(())
    }

    async fn delete(&self, client: &mut Client, random: &mut StdRng) -> io::Result<()> {
        let Some((body, receipt)) = self.claim(random, GONE) else {
            return Ok(());
        };
        let document = json!({ "QueueUrl": self.queue(), "ReceiptHandle": receipt });
        client.succeed("DeleteMessage", document).await?;
        self.messages().remove(&body);
        Ok(())
    }

    /// Makes a message visible again.
    async fn release(&self, client: &mut Client, random: &mut StdRng) -> io::Result<()> {
        let Some((body, receipt)) = self.claim(random, WAITING) else {
            return Ok(());
        };
        let document = json!({
            "QueueUrl": self.queue(),
            "ReceiptHandle": receipt,
            "VisibilityTimeout": 0,
        });
        client.succeed("ChangeMessageVisibility", document).await?;
        self.change(&body, |message| {
            // Unless another worker received it before this answer came.
            if message.receipt.as_ref() == Some(&receipt) {
                message.states = [WAITING].into();
                message.receipt = None;
                message.is_busy = false;
            }
        });
        Ok(())
    }

    /// Chooses a message in flight for a call that may bring it to `state`.
    fn claim(&self, random: &mut StdRng, state: &'static str) -> Option<(String, String)> {
        let mut messages = self.messages();
        let is_free = |message: &Message| message.receipt.is_some() && !message.is_busy;
        let free = messages.iter_mut().filter(|(_, message)| is_free(message));
        let mut free: Vec<_> = free.collect();
        if free.is_empty() {
            return None;
        }
        let (body, message) = free.swap_remove(random.random_range(0..free.len()));
        message.states.insert(state);
        message.is_busy = true;
        Some((body.clone(), message.receipt.clone()?))
    }

    fn change(&self, body: &str, change: impl FnOnce(&mut Message)) {
        change(self.messages().get_mut(body).unwrap());
    }

    fn messages(&self) -> MutexGuard<'_, BTreeMap<String, Message>> {
        self.messages.lock().unwrap()
    }

    fn queue(&self) -> String {
        self.queue.lock().unwrap().clone()
    }
}

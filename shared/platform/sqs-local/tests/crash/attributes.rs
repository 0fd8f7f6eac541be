//! Queues come, change and go, and what was acknowledged of that stays.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::client::Client;

/// How many queues there are at most.
const MOST: usize = 3;

#[derive(Default)]
pub(super) struct Attributes {
    last: u64,
    /// The delay and the tag of each queue.
    queues: BTreeMap<String, (u64, String)>,
    in_doubt: Option<Doubt>,
}

/// A call without an answer.
struct Doubt {
    queue: String,
    /// It may have set this delay.
    delay: u64,
    /// It may have deleted the queue, or not created it.
    may_be_missing: bool,
}

impl Attributes {
    /// Holds the queues against the model. What is seen then replaces what was possible.
    pub(super) async fn check(&mut self, client: &mut Client) {
        let list = json!({ "QueueNamePrefix": "settings-" });
        let list = client.succeed("ListQueues", list).await.unwrap();
        let mut observed = BTreeMap::new();
        for url in list["QueueUrls"].as_array().into_iter().flatten() {
            let name = url.as_str().unwrap().rsplit('/').next().unwrap();
            observed.insert(name.to_string(), describe(client, url).await);
        }
        if let Some(doubt) = self.in_doubt.take() {
            match observed.get(&doubt.queue) {
                None => {
                    assert!(doubt.may_be_missing, "{} is lost", doubt.queue);
                    self.queues.remove(&doubt.queue);
                }
                Some((delay, tag)) => {
                    let queue = self.queues.entry(doubt.queue);
                    let (before, _) = queue.or_insert((0, tag.clone()));
                    assert!(
                        [*before, doubt.delay].contains(delay),
                        "{delay}, not {before}"
                    );
                    *before = *delay;
                }
            }
        }
        assert_eq!(observed, self.queues);
    }

    /// Creates queues with a tag, sets their delay and deletes the oldest, until the server is
    /// gone.
    pub(super) async fn work(&mut self, address: SocketAddr) {
        if let Ok(mut client) = Client::connect(address).await {
            while self.step(&mut client).await.is_ok() {}
        }
    }

    async fn step(&mut self, client: &mut Client) -> io::Result<()> {
        self.last += 1;
        let (name, tag) = (format!("settings-{:08}", self.last), self.last.to_string());
        self.begin(&name, 0, true);
        let create = json!({ "QueueName": name, "tags": { "number": tag } });
        client.succeed("CreateQueue", create).await?;
        self.queues.insert(name.clone(), (0, tag.clone()));

        let delay = self.last % 900;
        self.begin(&name, delay, false);
        let set = json!({ "DelaySeconds": delay.to_string() });
        let set = json!({ "QueueUrl": name, "Attributes": set });
        client.succeed("SetQueueAttributes", set).await?;
        self.queues.insert(name, (delay, tag));

        if self.queues.len() > MOST {
            let (oldest, (delay, _)) = self.queues.iter().next().unwrap();
            let (oldest, delay) = (oldest.clone(), *delay);
            self.begin(&oldest, delay, true);
            client
                .succeed("DeleteQueue", json!({ "QueueUrl": oldest }))
                .await?;
            self.queues.remove(&oldest);
        }
        self.in_doubt = None;
        Ok(())
    }

    fn begin(&mut self, queue: &str, delay: u64, may_be_missing: bool) {
        let queue = queue.into();
        self.in_doubt = Some(Doubt {
            queue,
            delay,
            may_be_missing,
        });
    }
}

/// The delay of a queue, and its tag.
async fn describe(client: &mut Client, url: &Value) -> (u64, String) {
    let get = json!({ "QueueUrl": url, "AttributeNames": ["DelaySeconds"] });
    let answer = client.succeed("GetQueueAttributes", get).await.unwrap();
    let delay = answer["Attributes"]["DelaySeconds"].as_str().unwrap();
    let tags = client
        .succeed("ListQueueTags", json!({ "QueueUrl": url }))
        .await
        .unwrap();
    let tag = tags["Tags"]["number"].as_str().unwrap();
    (delay.parse().unwrap(), tag.into())
}

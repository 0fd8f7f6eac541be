//! A queue server over HTTP: the audit reads the depths of its queues and the calls it has counted,
//! and a fault sends poison to it and removes what is left of it.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::http::client;

/// The calls of the audit itself. No arm makes them.
const OUR_CALLS: [&str; 2] = ["GetQueueAttributes", "ListQueues"];

/// The attribute in which the services' runtime writes why a message is a dead letter.
const REASON: &str = "dead-letter-reason";

/// An SQS endpoint that answers requests without a signature, as those for tests do.
#[derive(Clone, Debug)]
pub struct QueueServer {
    url: String,
    http: reqwest::Client,
}

/// The number of messages in one queue.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Depth {
    /// Messages that wait for a consumer, or that one has received.
    pub present: u64,
    /// Messages whose delay has not ended.
    pub delayed: u64,
}

/// A message of a dead-letter queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    pub queue: String,
    /// The order that it is about. `None` if its body names none.
    pub order: Option<Uuid>,
    /// Why it is there. `None` if SQS moved it after many receives.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "Attributes")]
    counts: BTreeMap<String, String>,
}

impl QueueServer {
    pub fn at(url: &str) -> QueueServer {
        QueueServer {
            url: url.to_owned(),
            http: client(url),
        }
    }

    /// Calls by action since the server began, without our own. `None` when the server does not
    /// count them, as only `sqs-local` does.
    pub async fn calls(&self) -> Option<BTreeMap<String, u64>> {
        let url = format!("{}/control/calls", self.url);
        let answer = self.http.get(url).send().await.ok()?;
        let calls: BTreeMap<String, u64> = answer.error_for_status().ok()?.json().await.ok()?;
        let arms = calls
            .into_iter()
            .filter(|(action, calls)| *calls > 0 && !OUR_CALLS.contains(&action.as_str()));
        Some(arms.collect())
    }

    /// The depth of each queue, by its name.
    ///
    /// # Errors
    /// When there is no answer, or it is not one of SQS.
    pub async fn depths(&self) -> anyhow::Result<BTreeMap<String, Depth>> {
        let listed = self.call("ListQueues", json!({})).await?;
        let urls = listed["QueueUrls"].as_array().cloned().unwrap_or_default();
        let mut depths = BTreeMap::new();
        for url in urls.iter().filter_map(Value::as_str) {
            let request = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
            let answer = self.call("GetQueueAttributes", request).await?;
            let attributes: Attributes = serde_json::from_value(answer)?;
            let count = |name: &str| -> u64 {
                let count = attributes.counts.get(name);
                count.and_then(|count| count.parse().ok()).unwrap_or(0)
            };
            let depth = Depth {
                present: count("ApproximateNumberOfMessages")
                    + count("ApproximateNumberOfMessagesNotVisible"),
                delayed: count("ApproximateNumberOfMessagesDelayed"),
            };
            let name = url.rsplit('/').next().unwrap_or(url);
            depths.insert(name.to_owned(), depth);
        }
        Ok(depths)
    }

    /// Up to ten messages of a dead-letter queue. They stay visible.
    ///
    /// # Errors
    /// When there is no answer, or it is not one of SQS.
    pub async fn dead_letters(&self, queue: &str) -> anyhow::Result<Vec<DeadLetter>> {
        let request = json!({
            "QueueUrl": self.queue_url(queue).await?,
            "MaxNumberOfMessages": 10,
            "MessageAttributeNames": [REASON],
            "VisibilityTimeout": 0,
        });
        let received = self.call("ReceiveMessage", request).await?;
        let messages = received["Messages"].as_array().cloned().unwrap_or_default();
        let letters = messages.iter().map(|message| DeadLetter {
            queue: queue.to_owned(),
            order: message["Body"].as_str().and_then(order_of),
            reason: message["MessageAttributes"][REASON]["StringValue"]
                .as_str()
                .map(str::to_owned),
        });
        Ok(letters.collect())
    }

    /// Sends a message of this kind.
    ///
    /// # Errors
    /// When there is no answer, or it is not one of SQS.
    pub async fn send(&self, queue: &str, kind: &str, body: &str) -> anyhow::Result<()> {
        let request = json!({
            "QueueUrl": self.queue_url(queue).await?,
            "MessageBody": body,
            "MessageAttributes": { "kind": { "DataType": "String", "StringValue": kind } },
        });
        self.call("SendMessage", request).await?;
        Ok(())
    }

    /// Removes the messages of a queue whose body begins like this, until a receive finds none.
    /// Returns how many there were.
    ///
    /// # Errors
    /// When there is no answer, or it is not one of SQS.
    pub async fn remove(&self, queue: &str, begin: &str) -> anyhow::Result<u64> {
        let url = self.queue_url(queue).await?;
        let mut removed = 0;
        loop {
            let request = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
            let received = self.call("ReceiveMessage", request).await?;
            let messages = received["Messages"].as_array().cloned().unwrap_or_default();
            let ours = messages.iter().filter(|message| {
                let body = message["Body"].as_str();
                body.is_some_and(|body| body.starts_with(begin))
            });
            let before = removed;
            for message in ours {
                let receipt = &message["ReceiptHandle"];
                let request = json!({ "QueueUrl": url, "ReceiptHandle": receipt });
                self.call("DeleteMessage", request).await?;
                removed += 1;
            }
            if removed == before {
                return Ok(removed);
            }
        }
    }

    async fn queue_url(&self, queue: &str) -> anyhow::Result<Value> {
        let found = self.call("GetQueueUrl", json!({ "QueueName": queue }));
        Ok(found.await?["QueueUrl"].take())
    }

    async fn call(&self, action: &str, body: Value) -> anyhow::Result<Value> {
        let request = self
            .http
            .post(&self.url)
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string());
        let answer = request.send().await;
        let answer = answer.with_context(|| format!("no queue server answers at {}", self.url))?;
        let bytes = answer.error_for_status()?.bytes().await?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{} did not answer as SQS does", self.url))
    }
}

/// The order that the body of a message is about: an event contains it, an expiry its id.
fn order_of(body: &str) -> Option<Uuid> {
    let body: Value = serde_json::from_str(body).ok()?;
    let order = &body["order"];
    order["id"].as_str().or(order.as_str())?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dead_letters_are_read_with_their_reasons_and_stay() {
        let queues = sandbox::testing::sqs().await;
        let server = QueueServer::at(&queues.endpoint);
        let (queue, order) = (format!("{}events-dlq", queues.prefix), Uuid::from_u128(7));
        let created = server
            .call("CreateQueue", json!({ "QueueName": queue }))
            .await
            .unwrap();
        let message = json!({
            "QueueUrl": created["QueueUrl"],
            "MessageBody": json!({ "order": order }).to_string(),
            "MessageAttributes": { REASON: { "DataType": "String", "StringValue": "too late" } },
        });
        server.call("SendMessage", message).await.unwrap();
        let expected = DeadLetter {
            queue: queue.clone(),
            order: Some(order),
            reason: Some("too late".to_owned()),
        };
        for _ in 0..2 {
            let letters = server.dead_letters(&queue).await.unwrap();
            assert_eq!(letters, std::slice::from_ref(&expected));
        }
    }

    #[test]
    fn a_dead_letter_names_its_order() {
        let id = "00000000-0000-0000-0000-000000000007";
        let check = |body: String, order: Option<&str>| {
            let expected = order.map(|id| id.parse().unwrap());
            assert_eq!(order_of(&body), expected, "{body}");
        };

        check(
            format!(r#"{{"fact":"dispatched","order":{{"id":"{id}"}}}}"#),
            Some(id),
        );
        check(format!(r#"{{"order":"{id}"}}"#), Some(id));
        check(r#"{"order":7}"#.to_owned(), None);
        check("poison".to_owned(), None);
    }
}

//! A queue server, as the audit reads it: the depths of its queues, and the calls it has counted.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::client;

/// The calls of the audit itself. No arm makes them.
const OUR_CALLS: [&str; 2] = ["GetQueueAttributes", "ListQueues"];

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

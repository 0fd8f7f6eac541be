//! The third parties: the payment provider and the queue server, each a process of its own that
//! belongs to no arm. What the audit asks them is asked by address, wherever they run.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::binaries::Binaries;
use super::process::{Environment, Process};
use crate::audit::LedgerEntry;

#[derive(Debug)]
pub struct Provider {
    pub process: Process,
    pub ledger: Ledger,
}

impl Provider {
    pub async fn start(
        binaries: &Binaries,
        logs: &Path,
        latency_ms: u64,
        seed: u64,
    ) -> anyhow::Result<Provider> {
        let program = binaries.path("payment-provider")?;
        let (latency, seed) = (latency_ms.to_string(), seed.to_string());
        let arguments = ["--port", "0", "--latency-ms", &latency, "--seed", &seed];
        let process = Process::start(
            "payment-provider",
            program,
            &arguments,
            &Environment::new(),
            logs,
        )
        .await?;
        let ledger = Ledger::at(&process.url);
        Ok(Provider { process, ledger })
    }
}

/// What a payment provider has on record.
#[derive(Clone, Debug)]
pub struct Ledger {
    url: String,
    http: reqwest::Client,
}

impl Ledger {
    /// Of the provider at this address.
    pub fn at(provider: &str) -> Ledger {
        Ledger {
            url: format!("{provider}/ledger"),
            http: client(provider),
        }
    }

    /// Everything on record.
    pub async fn entries(&self) -> anyhow::Result<Vec<LedgerEntry>> {
        let answer = self.http.get(&self.url).send().await;
        let answer = answer.with_context(|| format!("nobody answers at {}", self.url))?;
        let entries = answer.error_for_status()?.bytes().await?;
        strict_json::from_slice(&entries)
            .with_context(|| format!("there is no ledger at {}", self.url))
    }
}

#[derive(Debug)]
pub struct Queues {
    pub process: Process,
    pub server: QueueServer,
}

impl Queues {
    pub async fn start(
        binaries: &Binaries,
        logs: &Path,
        arguments: &[&str],
    ) -> anyhow::Result<Queues> {
        let program = binaries.path("sqs-local")?;
        let arguments = [&["--port", "0"], arguments].concat();
        let process =
            Process::start("sqs-local", program, &arguments, &Environment::new(), logs).await?;
        let server = QueueServer::at(&process.url);
        Ok(Queues { process, server })
    }
}

/// What the harness itself asks the queue server. No arm asks this.
const OUR_CALLS: [&str; 2] = ["GetQueueAttributes", "ListQueues"];

/// An SQS endpoint that answers requests without a signature, as those for tests do.
#[derive(Clone, Debug)]
pub struct QueueServer {
    url: String,
    http: reqwest::Client,
}

/// Messages of one queue.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Depth {
    /// Waiting for a consumer, or with one.
    pub present: u64,
    /// Not to be seen before their time.
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

    /// Calls by action since the server began, our own left out. Only servers of ours count them.
    pub async fn calls(&self) -> Option<BTreeMap<String, u64>> {
        let url = format!("{}/control/calls", self.url);
        let answer = self.http.get(url).send().await.ok()?;
        let calls: BTreeMap<String, u64> = answer.error_for_status().ok()?.json().await.ok()?;
        let arms = calls
            .into_iter()
            .filter(|(action, calls)| *calls > 0 && !OUR_CALLS.contains(&action.as_str()));
        Some(arms.collect())
    }

    /// By queue.
    pub async fn depths(&self) -> anyhow::Result<BTreeMap<String, Depth>> {
        let listed = self.ask("ListQueues", json!({})).await?;
        let urls = listed["QueueUrls"].as_array().cloned().unwrap_or_default();
        let mut depths = BTreeMap::new();
        for url in urls.iter().filter_map(Value::as_str) {
            let wanted = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
            let answer = self.ask("GetQueueAttributes", wanted).await?;
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

    async fn ask(&self, action: &str, body: Value) -> anyhow::Result<Value> {
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

/// Whoever hangs is said to hang: nothing here takes long. No proxy leads to this machine.
fn client(url: &str) -> reqwest::Client {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20));
    let here = ["http://127.0.0.1", "http://localhost"];
    let client = match here.iter().any(|place| url.starts_with(place)) {
        true => client.no_proxy(),
        false => client,
    };
    client.build().unwrap_or_default()
}

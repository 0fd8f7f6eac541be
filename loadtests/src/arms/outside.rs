//! The third parties: the payment provider and the queue server, each a process of its own that
//! belongs to no arm.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};

use super::binaries::Binaries;
use super::process::{Environment, Process};
use crate::audit::LedgerEntry;

#[derive(Debug)]
pub struct Provider {
    pub process: Process,
    http: reqwest::Client,
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
        Ok(Provider {
            process,
            http: reqwest::Client::new(),
        })
    }

    /// Everything it has on record.
    pub async fn ledger(&self) -> anyhow::Result<Vec<LedgerEntry>> {
        let url = format!("{}/ledger", self.process.url);
        let answer = self
            .http
            .get(url)
            .send()
            .await
            .context("cannot ask for the ledger")?;
        answer
            .error_for_status()?
            .json()
            .await
            .context("cannot read the ledger")
    }
}

#[derive(Debug)]
pub struct Queues {
    pub process: Process,
    http: reqwest::Client,
}

/// How many messages a queue holds.
#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "Attributes")]
    counts: BTreeMap<String, String>,
}

/// What the harness itself asks the queue server. No arm asks this.
const OUR_CALLS: [&str; 2] = ["GetQueueAttributes", "ListQueues"];

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
        Ok(Queues {
            process,
            http: reqwest::Client::new(),
        })
    }

    /// Calls by action since the server began, our own left out.
    pub async fn calls(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let url = format!("{}/control/calls", self.process.url);
        let answer = self
            .http
            .get(url)
            .send()
            .await
            .context("cannot ask the queue server")?;
        let calls: BTreeMap<String, u64> = answer.error_for_status()?.json().await?;
        let arms = calls
            .into_iter()
            .filter(|(action, calls)| *calls > 0 && !OUR_CALLS.contains(&action.as_str()));
        Ok(arms.collect())
    }

    /// Messages by queue: waiting, in flight and delayed.
    pub async fn depths(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let listed = self.ask("ListQueues", json!({})).await?;
        let urls = listed["QueueUrls"].as_array().cloned().unwrap_or_default();
        let mut depths = BTreeMap::new();
        for url in urls.iter().filter_map(Value::as_str) {
            let wanted = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
            let answer = self.ask("GetQueueAttributes", wanted).await?;
            let attributes: Attributes = serde_json::from_value(answer)?;
            let count = |name: &str| -> u64 {
                attributes
                    .counts
                    .get(name)
                    .and_then(|count| count.parse().ok())
                    .unwrap_or(0)
            };
            let depth = count("ApproximateNumberOfMessages")
                + count("ApproximateNumberOfMessagesNotVisible")
                + count("ApproximateNumberOfMessagesDelayed");
            let name = url.rsplit('/').next().unwrap_or(url);
            depths.insert(name.to_owned(), depth);
        }
        Ok(depths)
    }

    async fn ask(&self, action: &str, body: Value) -> anyhow::Result<Value> {
        let request = self
            .http
            .post(&self.process.url)
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string());
        let answer = request
            .send()
            .await
            .context("cannot ask the queue server")?;
        let bytes = answer.error_for_status()?.bytes().await?;
        serde_json::from_slice(&bytes).context("the queue server did not answer in JSON")
    }
}

//! The file of `--queues`: the queues to create at the start.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use sqs_local::SqsLocal;

/// Attributes by name; a number, a flag or a policy needs no quotes.
type Attributes = BTreeMap<String, Value>;

/// Creates all queues of the file, then sets the redrive policies: a policy may name a queue that
/// stands later in the file.
pub(crate) async fn create(server: &SqsLocal, file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file)?;
    let queues: BTreeMap<String, Attributes> = serde_json::from_str(&text)?;
    let mut policies = Vec::new();
    for (name, mut attributes) in queues {
        if let Some(policy) = attributes.remove("RedrivePolicy") {
            policies.push((
                name.clone(),
                Attributes::from([("RedrivePolicy".into(), policy)]),
            ));
        }
        let request = json!({ "QueueName": name, "Attributes": as_text(attributes) });
        call(server, "CreateQueue", &name, request).await?;
    }
    for (name, policy) in policies {
        let request = json!({ "QueueUrl": name, "Attributes": as_text(policy) });
        call(server, "SetQueueAttributes", &name, request).await?;
    }
    Ok(())
}

async fn call(server: &SqsLocal, action: &str, queue: &str, request: Value) -> anyhow::Result<()> {
    let answer = server.call(action, &request.to_string()).await;
    answer.with_context(|| format!("queue {queue}")).map(drop)
}

/// On the wire, each attribute is a string, and a policy is a string of JSON.
fn as_text(attributes: Attributes) -> BTreeMap<String, String> {
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let pairs = attributes.into_iter();
    pairs.map(|(name, value)| (name, text(value))).collect()
}

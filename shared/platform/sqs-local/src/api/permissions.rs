//! AddPermission and RemovePermission: shorthand for editing the queue's access policy, which this
//! server stores and shows, but does not enforce.

use serde::Deserialize;
use serde_json::{Value, json};

use super::document::Empty;
use super::parameters::{is_name, required};
use crate::action::ACTIONS;
use crate::error::{Error, Result};
use crate::region::Region;
use crate::settings::Settings;
use crate::shared_queue::SharedQueue;

/// The most actions in one statement (an Amazon quota).
const MOST_ACTIONS: usize = 7;

/// The actions that an owner may permit to others.
const SHARED_ACTIONS: [&str; 9] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddPermission {
    queue_url: Option<String>,
    label: Option<String>,
    #[serde(rename = "AWSAccountIds")]
    accounts: Option<Vec<String>>,
    actions: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemovePermission {
    queue_url: Option<String>,
    label: Option<String>,
}

pub(super) fn add(region: &Region, request: &AddPermission) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let label = required(request.label.as_deref(), "Label")?;
    let accounts = request.accounts.as_deref().unwrap_or_default();
    let actions = request.actions.as_deref().unwrap_or_default();
    check_label(label)?;
    check(accounts, actions)?;
    edit(&queue, |statements| {
        if statements.iter().any(|statement| statement["Sid"] == label) {
            return Err(Error::value("Label", label, "Already exists."));
        }
        let partition = region.queues.partition;
        let arn = |account: &String| format!("arn:{partition}:iam::{account}:root");
        let principals = one_or_many(accounts.iter().map(arn));
        let actions = one_or_many(actions.iter().map(|action| format!("SQS:{action}")));
        statements.push(json!({
            "Sid": label,
            "Effect": "Allow",
            "Principal": { "AWS": principals },
            "Action": actions,
            "Resource": *queue.arn,
        }));
        Ok(())
    })
}

pub(super) fn remove(region: &Region, request: &RemovePermission) -> Result<Empty> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let label = required(request.label.as_deref(), "Label")?;
    edit(&queue, |statements| {
        let before = statements.len();
        statements.retain(|statement| statement["Sid"] != label);
        if statements.len() == before {
            let reason = match before {
                0 => "can't find label.",
                _ => "can't find label on existing policy.",
            };
            return Err(Error::value("Label", label, reason));
        }
        Ok(())
    })
}

fn check_label(label: &str) -> Result<()> {
    if is_name(label) {
        return Ok(());
    }
    let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in \
                  length.";
    Err(Error::value("Label", label, reason))
}

fn check(accounts: &[String], actions: &[String]) -> Result<()> {
    if actions.is_empty() {
        return Err(Error::missing("Actions"));
    }
    let is_account = |id: &String| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
    if accounts.is_empty() || !accounts.iter().all(is_account) {
        let list = format!("[{}]", accounts.join(", "));
        return Err(Error::value("PrincipalId", list, "Unable to verify."));
    }
    if actions.len() > MOST_ACTIONS {
        let count = actions.len();
        let message = format!("{count} Actions were found, maximum allowed is {MOST_ACTIONS}.");
        return Err(Error::OverLimit(message));
    }
    for action in actions {
        if !SHARED_ACTIONS.contains(&action.as_str()) {
            let reason = match ACTIONS.contains(&action.as_str()) {
                true => "Only the queue owner is allowed to invoke this action.",
                false => "Please refer to the appropriate WSDL for a list of valid actions. ",
            };
            return Err(Error::value("ActionName", format!("SQS:{action}"), reason));
        }
    }
    Ok(())
}

/// Edits the statements of the queue's policy, and removes the policy with its last statement.
fn edit(queue: &SharedQueue, change: impl FnOnce(&mut Vec<Value>) -> Result<()>) -> Result<Empty> {
    queue.configure(|state, now| {
        let mut settings = Settings::clone(&state.settings);
        let policy = settings
            .policy
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        let mut policy: Value = policy.unwrap_or_else(|| {
            let id = format!("{}/SQSDefaultPolicy", queue.arn);
            json!({ "Version": "2008-10-17", "Id": id, "Statement": [] })
        });
        let mut statements = match policy["Statement"].take() {
            Value::Array(statements) => statements,
            Value::Null => Vec::new(),
            single => vec![single],
        };
        change(&mut statements)?;
        settings.policy = (!statements.is_empty()).then(|| {
            policy["Statement"] = Value::Array(statements);
            policy.to_string()
        });
        state.reconfigure(now, settings);
        Ok(Empty {})
    })
}

fn one_or_many(values: impl ExactSizeIterator<Item = String>) -> Value {
    let mut values: Vec<String> = values.collect();
    match values.len() {
        1 => Value::String(values.remove(0)),
        _ => json!(values),
    }
}

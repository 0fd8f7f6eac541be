//! StartMessageMoveTask, CancelMessageMoveTask and ListMessageMoveTasks.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::parameters::required;
use crate::error::{Error, Result};
use crate::move_task::MoveTask;
use crate::region::Region;
use crate::shared_queue::{FindQueue as _, SharedQueue};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartMessageMoveTask {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CancelMessageMoveTask {
    task_handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMessageMoveTasks {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Started {
    task_handle: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancelled {
    approximate_number_of_messages_moved: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tasks {
    results: Vec<Task>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: &'static str,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u64>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    started_timestamp: u64,
}

pub(super) fn start(region: &Region, request: StartMessageMoveTask) -> Result<Started> {
    let arn = required(request.source_arn, "SourceArn")?;
    let source = find(region, "SourceArn", &arn)?;
    let rate = request.max_number_of_messages_per_second;
    if rate.is_some_and(|rate| !(1..=500).contains(&rate)) {
        return Err(Error::InvalidParameterValue(
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a \
             number that's between 1 and 500."
                .into(),
        ));
    }
    if request.destination_arn.as_deref() == Some(&*arn) {
        let message = "Source queue arn and destination queue arn cannot be the same.";
        return Err(Error::InvalidParameterValue(message.into()));
    }
    let is_dead_letter_queue = region.queues.list("", None).iter().any(|queue| {
        let settings = queue.settings();
        let policy = settings.redrive.as_ref();
        policy.is_some_and(|policy| policy.target == *source.arn)
    });
    if !is_dead_letter_queue {
        let message = "Source queue must be configured as a Dead Letter Queue.";
        return Err(Error::InvalidParameterValue(message.into()));
    }
    let destination = request.destination_arn.as_deref();
    let destination = destination.map(|arn| find(region, "DestinationArn", arn));
    let destination = destination.transpose()?;
    if destination
        .as_ref()
        .is_some_and(|to| to.settings().fifo != source.settings().fifo)
    {
        let message = "The source queue and destination queue must be of the same queue type.";
        return Err(Error::InvalidParameterValue(message.into()));
    }

    let rate = rate.map(|rate| rate as u64);
    let task = region
        .tasks
        .start(&region.queues, source, destination, rate)
        .ok_or_else(|| {
            let message = "There is already a task running. Only one active task is allowed for a \
                       source queue arn at a given time.";
            Error::InvalidParameterValue(message.into())
        })?;
    Ok(Started {
        task_handle: handle(&task),
    })
}

pub(super) fn cancel(region: &Region, request: &CancelMessageMoveTask) -> Result<Cancelled> {
    let handle = required(request.task_handle.as_deref(), "TaskHandle")?;
    let (id, arn) = parse(handle).ok_or_else(|| {
        Error::InvalidParameterValue("Value for parameter TaskHandle is invalid.".into())
    })?;
    find(region, "SourceArn", &arn)?;
    let task = region.tasks.find(id).filter(|task| task.is_running());
    let task = task.ok_or_else(|| Error::ResourceNotFound("Task does not exist.".into()))?;
    task.cancel();
    Ok(Cancelled {
        approximate_number_of_messages_moved: task.moved(),
    })
}

pub(super) fn list(region: &Region, request: &ListMessageMoveTasks) -> Result<Tasks> {
    let arn = required(request.source_arn.as_deref(), "SourceArn")?;
    let source = find(region, "SourceArn", arn)?;
    let most = request.max_results.unwrap_or(1);
    if !(1..=10).contains(&most) {
        return Err(Error::InvalidParameterValue(
            "Value for parameter MaxResults is invalid. Reason: You must enter a number that's \
             between 1 and 10."
                .into(),
        ));
    }
    let tasks = region.tasks.of(&source);
    Ok(Tasks {
        results: tasks
            .iter()
            .take(most as usize)
            .map(|task| show(task))
            .collect(),
    })
}

fn show(task: &MoveTask) -> Task {
    let (status, failure_reason) = task.status();
    Task {
        task_handle: task.is_running().then(|| handle(task)),
        status,
        source_arn: task.source.to_string(),
        destination_arn: task.destination.as_deref().map(String::from),
        max_number_of_messages_per_second: task.rate,
        approximate_number_of_messages_moved: task.moved(),
        approximate_number_of_messages_to_move: task.to_move,
        failure_reason,
        started_timestamp: task.started.0,
    }
}

/// The queue that a parameter names by ARN.
fn find(region: &Region, parameter: &str, arn: &str) -> Result<Arc<SharedQueue>> {
    let parts: Vec<_> = arn.split(':').collect();
    if !matches!(parts[..], ["arn", _, "sqs", _, _, _]) {
        return Err(Error::InvalidParameterValue(format!(
            "You must use this format to specify the {parameter}: \
             arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        )));
    }
    region.queues.by_arn(arn).ok_or_else(|| {
        Error::ResourceNotFound(format!(
            "The resource that you specified for the {parameter} parameter doesn't exist."
        ))
    })
}

/// A task handle: a small JSON document in base64, as Amazon's are.
fn handle(task: &MoveTask) -> String {
    let document = json!({ "taskId": task.id, "sourceArn": &*task.source });
    BASE64_STANDARD.encode(document.to_string())
}

fn parse(handle: &str) -> Option<(Uuid, String)> {
    let document: Value = serde_json::from_slice(&BASE64_STANDARD.decode(handle).ok()?).ok()?;
    let arn = document["sourceArn"].as_str()?.to_string();
    Some((document["taskId"].as_str()?.parse().ok()?, arn))
}

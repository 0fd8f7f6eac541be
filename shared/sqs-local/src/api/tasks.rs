//! StartMessageMoveTask, CancelMessageMoveTask and ListMessageMoveTasks.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::required;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::move_task::MoveTask;
use crate::service::Service;

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

pub(super) fn start(service: &Service, request: StartMessageMoveTask) -> Result<Started> {
    let arn = required(request.source_arn, "SourceArn")?;
    let source = source(service, &arn)?;
    let rate = request.max_number_of_messages_per_second;
    if let Some(rate) = rate.filter(|rate| !(1..=500).contains(rate)) {
        let reason = "MaxNumberOfMessagesPerSecond must be between 1 and 500, if provided.";
        return Err(Error::value("MaxNumberOfMessagesPerSecond", rate, reason));
    }
    if request.destination_arn.as_deref() == Some(&*arn) {
        let message = "Source queue arn and destination queue arn cannot be the same.";
        return Err(Error::InvalidParameterValue(message.into()));
    }
    let is_dead_letter_queue = service.queues.list("", None).iter().any(|queue| {
        let target = queue.settings().redrive.map(|policy| policy.target);
        target.is_some_and(|target| target == *source.arn)
    });
    if !is_dead_letter_queue {
        let message = "Source queue must be configured as a Dead Letter Queue.";
        return Err(Error::InvalidParameterValue(message.into()));
    }
    let find = |arn: &String| {
        service.queues.by_arn(arn).ok_or(Error::ResourceNotFound(
            "The resource that you specified for the DestinationArn parameter doesn't exist.",
        ))
    };
    let destination = request.destination_arn.as_ref().map(find).transpose()?;

    let rate = rate.map(|rate| rate as u64);
    let task = service
        .tasks
        .start(&service.queues, source, destination, rate)
        .ok_or_else(|| {
            let message = "There is already a task running. Only one active task is allowed for a \
                       source queue arn at a given time.";
            Error::InvalidParameterValue(message.into())
        })?;
    Ok(Started {
        task_handle: handle(&task),
    })
}

pub(super) fn cancel(service: &Service, request: &CancelMessageMoveTask) -> Result<Cancelled> {
    let handle = required(request.task_handle.as_deref(), "TaskHandle")?;
    let id = parse(handle).ok_or_else(|| {
        Error::InvalidParameterValue("Value for parameter TaskHandle is invalid.".into())
    })?;
    let task = service.tasks.find(id).filter(|task| task.is_running());
    let task = task.ok_or(Error::ResourceNotFound("Task does not exist."))?;
    task.cancel();
    Ok(Cancelled {
        approximate_number_of_messages_moved: task.moved(),
    })
}

pub(super) fn list(service: &Service, request: &ListMessageMoveTasks) -> Result<Tasks> {
    let source = source(
        service,
        required(request.source_arn.as_deref(), "SourceArn")?,
    )?;
    let most = request.max_results.unwrap_or(1);
    if !(1..=10).contains(&most) {
        let reason = "MaxResults must be between 1 and 10, if provided.";
        return Err(Error::value("MaxResults", most, reason));
    }
    let tasks = service.tasks.of(&source);
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
        source_arn: task.source.arn.to_string(),
        destination_arn: task.destination.as_ref().map(|queue| queue.arn.to_string()),
        max_number_of_messages_per_second: task.rate,
        approximate_number_of_messages_moved: task.moved(),
        approximate_number_of_messages_to_move: task.to_move,
        failure_reason,
        started_timestamp: task.started.0,
    }
}

fn source(service: &Service, arn: &str) -> Result<Arc<Host>> {
    service.queues.by_arn(arn).ok_or(Error::ResourceNotFound(
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    ))
}

/// A handle is base64 of a small document, as Amazon's are.
fn handle(task: &MoveTask) -> String {
    let document = json!({ "taskId": task.id, "sourceArn": &*task.source.arn });
    BASE64_STANDARD.encode(document.to_string())
}

fn parse(handle: &str) -> Option<Uuid> {
    let document: Value = serde_json::from_slice(&BASE64_STANDARD.decode(handle).ok()?).ok()?;
    document["taskId"].as_str()?.parse().ok()
}

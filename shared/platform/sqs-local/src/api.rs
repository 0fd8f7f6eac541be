//! The actions: which requests each accepts, what it does, and what it answers.

mod answer;
mod batch;
mod delete;
mod document;
mod parameters;
mod permissions;
mod queue_attributes;
mod queues;
mod receive;
mod send;
mod tags;
mod tasks;
mod text;
mod visibility;

pub(crate) use self::answer::Answer;
use self::document::{decode, encode};
use crate::error::{Error, Result};
use crate::head::Head;
use crate::region::Region;

/// Answers one request: decodes it, carries it out, encodes the answer.
pub(crate) async fn call(
    region: &Region,
    action: &str,
    body: &[u8],
    head: &Head<'_>,
) -> Result<Answer> {
    if action == "ReceiveMessage" {
        return receive::receive(region, decode(body)?).await;
    }
    answer_at_once(region, action, body, head).map(Answer::from)
}

fn answer_at_once(region: &Region, action: &str, body: &[u8], head: &Head<'_>) -> Result<Vec<u8>> {
    match action {
        "SendMessage" => encode(&send::one(region, &decode(body)?, head.trace)?),
        "SendMessageBatch" => encode(&send::batch(region, &decode(body)?, head.trace)?),
        "DeleteMessage" => encode(&delete::one(region, &decode(body)?)?),
        "DeleteMessageBatch" => encode(&delete::batch(region, &decode(body)?)?),
        "ChangeMessageVisibility" => encode(&visibility::one(region, &decode(body)?)?),
        "ChangeMessageVisibilityBatch" => encode(&visibility::batch(region, &decode(body)?)?),
        "CreateQueue" => encode(&queues::create(region, decode(body)?, head)?),
        "DeleteQueue" => encode(&queues::delete(region, &decode(body)?)?),
        "GetQueueUrl" => encode(&queues::get_url(region, &decode(body)?, head)?),
        "ListQueues" => encode(&queues::list(region, &decode(body)?, head)?),
        "ListDeadLetterSourceQueues" => encode(&queues::sources(region, &decode(body)?, head)?),
        "GetQueueAttributes" => encode(&queue_attributes::get(region, &decode(body)?)?),
        "SetQueueAttributes" => encode(&queue_attributes::set(region, &decode(body)?)?),
        "PurgeQueue" => encode(&queues::purge(region, &decode(body)?)?),
        "TagQueue" => encode(&tags::tag(region, decode(body)?)?),
        "UntagQueue" => encode(&tags::untag(region, &decode(body)?)?),
        "ListQueueTags" => encode(&tags::list(region, &decode(body)?)?),
        "AddPermission" => encode(&permissions::add(region, &decode(body)?)?),
        "RemovePermission" => encode(&permissions::remove(region, &decode(body)?)?),
        "StartMessageMoveTask" => encode(&tasks::start(region, decode(body)?)?),
        "CancelMessageMoveTask" => encode(&tasks::cancel(region, &decode(body)?)?),
        "ListMessageMoveTasks" => encode(&tasks::list(region, &decode(body)?)?),
        other => Err(Error::InvalidAction(other.into())),
    }
}

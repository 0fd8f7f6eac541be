//! The actions: what a request must look like, what it does, what it answers.

mod batch;
mod delete;
mod permissions;
mod queue_attributes;
mod queues;
mod receive;
mod send;
mod tags;
mod tasks;
mod text;
mod visibility;

use serde::Serialize;
use serde::de::Deserialize;

use crate::error::{Error, Result};
use crate::head::Head;
use crate::host::HandedOut;
use crate::service::Service;

/// Answers one request: decode, do, encode.
pub(crate) async fn call(
    service: &Service,
    action: &str,
    body: &[u8],
    head: &Head<'_>,
) -> Result<Answer> {
    if action == "ReceiveMessage" {
        return receive::receive(service, decode(body)?).await;
    }
    answer_at_once(service, action, body, head).map(Answer::from)
}

fn answer_at_once(
    service: &Service,
    action: &str,
    body: &[u8],
    head: &Head<'_>,
) -> Result<Vec<u8>> {
    match action {
        "SendMessage" => encode(&send::one(service, &decode(body)?, head.trace)?),
        "SendMessageBatch" => encode(&send::batch(service, &decode(body)?, head.trace)?),
        "DeleteMessage" => encode(&delete::one(service, &decode(body)?)?),
        "DeleteMessageBatch" => encode(&delete::batch(service, &decode(body)?)?),
        "ChangeMessageVisibility" => encode(&visibility::one(service, &decode(body)?)?),
        "ChangeMessageVisibilityBatch" => encode(&visibility::batch(service, &decode(body)?)?),
        "CreateQueue" => encode(&queues::create(service, decode(body)?, head)?),
        "DeleteQueue" => encode(&queues::delete(service, &decode(body)?)?),
        "GetQueueUrl" => encode(&queues::get_url(service, &decode(body)?, head)?),
        "ListQueues" => encode(&queues::list(service, &decode(body)?, head)?),
        "ListDeadLetterSourceQueues" => encode(&queues::sources(service, &decode(body)?, head)?),
        "GetQueueAttributes" => encode(&queue_attributes::get(service, &decode(body)?)?),
        "SetQueueAttributes" => encode(&queue_attributes::set(service, &decode(body)?)?),
        "PurgeQueue" => encode(&queues::purge(service, &decode(body)?)?),
        "TagQueue" => encode(&tags::tag(service, decode(body)?)?),
        "UntagQueue" => encode(&tags::untag(service, &decode(body)?)?),
        "ListQueueTags" => encode(&tags::list(service, &decode(body)?)?),
        "AddPermission" => encode(&permissions::add(service, &decode(body)?)?),
        "RemovePermission" => encode(&permissions::remove(service, &decode(body)?)?),
        "StartMessageMoveTask" => encode(&tasks::start(service, decode(body)?)?),
        "CancelMessageMoveTask" => encode(&tasks::cancel(service, &decode(body)?)?),
        "ListMessageMoveTasks" => encode(&tasks::list(service, &decode(body)?)?),
        other => Err(Error::InvalidAction(other.into())),
    }
}

/// The JSON document of an answer that has not left yet.
pub(crate) struct Answer {
    document: Vec<u8>,
    /// What goes back to its queue if it never does.
    handed_out: Option<HandedOut>,
}

impl Answer {
    pub(crate) fn leaves(self) -> Vec<u8> {
        if let Some(handed_out) = self.handed_out {
            handed_out.keep();
        }
        self.document
    }
}

impl From<Vec<u8>> for Answer {
    fn from(document: Vec<u8>) -> Answer {
        Answer {
            document,
            handed_out: None,
        }
    }
}

/// The answer of an action that has nothing to say.
#[derive(Serialize)]
struct Empty {}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    let body = if body.is_empty() { b"{}" } else { body };
    strict_json::from_slice(body).map_err(|error| Error::Serialization(error.to_string()))
}

fn encode(answer: &impl Serialize) -> Result<Vec<u8>> {
    encode_in(Vec::with_capacity(256), answer)
}

/// The same into a buffer that has room enough.
fn encode_in(mut document: Vec<u8>, answer: &impl Serialize) -> Result<Vec<u8>> {
    match serde_json::to_writer(&mut document, answer) {
        Ok(()) => Ok(document),
        Err(_) => Err(Error::InternalError),
    }
}

fn required<T>(value: Option<T>, name: &'static str) -> Result<T> {
    value.ok_or_else(|| Error::missing(name))
}

/// What queues, batch entries and permissions may be called: 1 to 80 letters, digits, hyphens and
/// underscores.
fn is_name(name: &str) -> bool {
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    (1..=80).contains(&name.len()) && name.bytes().all(is_allowed)
}

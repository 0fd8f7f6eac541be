//! SendMessage and SendMessageBatch.

mod body;
mod draft;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::body::Body;
use self::draft::Draft;
pub(super) use self::draft::{NOT_FOR_THIS_TYPE, check_id};
use super::batch::{self, BatchAnswer, Entry};
use super::text::Text;
use crate::attributes::Attributes;
use crate::error::{Error, Result};
use crate::host::State;
use crate::md5::Md5;
use crate::service::Service;
use crate::settings::MOST_BYTES;
use crate::time::Time;

/// A SendMessage request, or an entry of a batch, which has an id in place of the queue's URL.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessage<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    message_body: Option<Body<'a>>,
    delay_seconds: Option<i64>,
    message_attributes: Option<Attributes>,
    message_system_attributes: Option<Attributes>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessageBatch<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    entries: Option<Vec<SendMessage<'a>>>,
}

impl Entry for SendMessage<'_> {
    const KIND: &'static str = "SendMessageBatchRequestEntry";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Sent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    message_id: Uuid,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_body: Md5,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_attributes: Option<Md5>,
    #[serde(
        rename = "MD5OfMessageSystemAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_system_attributes: Option<Md5>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

pub(super) fn one<'a>(
    service: &Service,
    request: &'a SendMessage<'_>,
    trace: Option<&str>,
) -> Result<Sent<'a>> {
    let queue = service.queue(request.queue_url.as_deref())?;
    let settings = queue.settings();
    request.check_group(&settings)?;

    let draft = request.draft(service, &settings, trace)?;
    Ok(queue.with(|state, now| draft.send(state, now)))
}

pub(super) fn batch<'a>(
    service: &Service,
    request: &'a SendMessageBatch<'_>,
    trace: Option<&str>,
) -> Result<BatchAnswer<'a, Sent<'a>>> {
    let queue = service.queue(request.queue_url.as_deref())?;
    let settings = queue.settings();
    let entries = batch::check(&request.entries)?;
    entries
        .iter()
        .try_for_each(|entry| entry.check_group(&settings))?;
    let sent = entries.iter().map(SendMessage::size).sum();
    if sent > MOST_BYTES {
        return Err(Error::BatchRequestTooLong {
            most: MOST_BYTES,
            sent,
        });
    }

    // Everything that takes time is done before the queue's lock is taken.
    let drafts: Vec<_> = entries
        .iter()
        .map(|entry| entry.draft(service, &settings, trace))
        .collect();
    let mut drafts = drafts.into_iter();
    Ok(queue.with(|state, now| {
        batch::answer(entries, |_| {
            let draft = drafts.next().ok_or(Error::InternalError)??;
            service.chaos.before_entry(&queue.name)?;
            Ok(draft.send(state, now))
        })
    }))
}

impl<'a> Draft<'a> {
    fn send(mut self, state: &mut State, now: Time) -> Sent<'a> {
        let (id, sequence) = state.queue.send(now, self.content, self.delay);
        self.answer.message_id = id;
        if state.queue.settings().fifo {
            self.answer.sequence_number = Some(sequence_number(sequence));
        }
        self.answer
    }
}

/// A FIFO queue's sequence number as Amazon writes it: twenty digits that only grow.
pub(super) fn sequence_number(sequence: u64) -> String {
    format!("188{sequence:017}")
}

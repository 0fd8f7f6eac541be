//! SendMessage and SendMessageBatch.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::batch::{self, BatchAnswer, Entry};
use super::required;
use crate::attributes::{self, Attributes};
use crate::error::{Error, Result};
use crate::host::State;
use crate::queue::Content;
use crate::service::Service;
use crate::settings::{MOST_BYTES, Settings};
use crate::time::Time;

/// A SendMessage request, or an entry of a batch, which has an id in place of the queue's URL.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessage<'a> {
    queue_url: Option<String>,
    id: Option<String>,
    #[serde(borrow)]
    message_body: Option<&'a RawValue>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Option<Attributes>,
    #[serde(default)]
    message_system_attributes: Option<Attributes>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessageBatch<'a> {
    queue_url: Option<String>,
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
pub(super) struct Sent {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    message_id: Uuid,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_body: String,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_attributes: Option<String>,
    #[serde(
        rename = "MD5OfMessageSystemAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_system_attributes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

/// Amazon's reason for refusing what only the other type of queue knows.
pub(super) const NOT_FOR_THIS_TYPE: &str =
    "The request include parameter that is not valid for this queue type.";

/// A message that passed every check, and what its sender will hear.
struct Draft {
    content: Arc<Content>,
    delay: Option<Duration>,
    answer: Sent,
}

pub(super) fn one(service: &Service, request: &SendMessage<'_>) -> Result<Sent> {
    let queue = service.queue(&request.queue_url)?;
    let settings = queue.settings();
    request.check_group(&settings)?;

    let draft = request.draft(service, &settings)?;
    Ok(queue.with(|state, now| draft.send(state, now)))
}

pub(super) fn batch(
    service: &Service,
    request: &SendMessageBatch<'_>,
) -> Result<BatchAnswer<Sent>> {
    let queue = service.queue(&request.queue_url)?;
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
        .map(|entry| entry.draft(service, &settings))
        .collect();
    let mut drafts = drafts.into_iter();
    Ok(queue.with(|state, now| {
        batch::answer(entries, |_| {
            let draft = drafts.next().ok_or(Error::InternalError)??;
            Ok(draft.send(state, now))
        })
    }))
}

impl Draft {
    fn send(mut self, state: &mut State, now: Time) -> Sent {
        let (id, sequence) = state.queue.send(now, self.content, self.delay);
        self.answer.message_id = id;
        if state.queue.settings().fifo {
            self.answer.sequence_number = Some(sequence_number(sequence));
        }
        self.answer
    }
}

impl SendMessage<'_> {
    /// What fails a whole batch on a FIFO queue: a group or a deduplication id that is missing.
    fn check_group(&self, settings: &Settings) -> Result<()> {
        if !settings.fifo {
            return Ok(());
        }
        if self.message_group_id.is_none() {
            return Err(Error::missing("MessageGroupId"));
        }
        if self.message_deduplication_id.is_none() && !settings.content_based_deduplication {
            return Err(Error::InvalidParameterValue(
                "The queue should either have ContentBasedDeduplication enabled or \
                 MessageDeduplicationId provided explicitly"
                    .into(),
            ));
        }
        Ok(())
    }

    /// The bytes that count for the limits: those of the body and of the attributes.
    fn size(&self) -> usize {
        let body = self
            .message_body
            .and_then(|raw| text(raw).ok())
            .map_or(0, |text| text.len());
        body + self.message_attributes.as_ref().map_or(0, attributes::size)
    }

    fn draft(&self, service: &Service, settings: &Settings) -> Result<Draft> {
        let raw = required(self.message_body, "MessageBody")?;
        let body = text(raw)?;
        let attributes = self.message_attributes.clone().unwrap_or_default();
        let system = self.message_system_attributes.clone().unwrap_or_default();
        check_body(&body, attributes::size(&attributes), settings)?;
        attributes::check(&attributes)?;
        let trace_header = trace_header(&system)?;
        let delay = self.delay(settings)?;
        check_id("MessageGroupId", self.message_group_id.as_deref())?;
        let deduplication_id = self.deduplication_id(settings, &body)?;

        let md5 = attributes::md5(body.as_bytes());
        let answer = Sent {
            id: self.id.clone(),
            message_id: Uuid::nil(),
            md5_of_body: md5.clone(),
            md5_of_attributes: attributes::md5_of_attributes(&attributes),
            md5_of_system_attributes: attributes::md5_of_attributes(&system),
            sequence_number: None,
        };
        let content = Content {
            id: Builder::from_random_bytes(rand::random()).into_uuid(),
            body: raw.to_owned(),
            md5,
            attributes,
            trace_header,
            sender: service.account.clone(),
            sent: service.clock.now(),
            group: self.message_group_id.as_deref().map(Arc::from),
            deduplication_id,
        };
        Ok(Draft {
            content: Arc::new(content),
            delay,
            answer,
        })
    }

    fn delay(&self, settings: &Settings) -> Result<Option<Duration>> {
        let Some(delay) = self.delay_seconds else {
            return Ok(None);
        };
        if !(0..=900).contains(&delay) {
            let reason = "DelaySeconds must be >= 0 and <= 900.";
            return Err(Error::value("DelaySeconds", delay, reason));
        }
        if settings.fifo && delay != 0 {
            return Err(Error::value("DelaySeconds", delay, NOT_FOR_THIS_TYPE));
        }
        // A FIFO queue knows only the delay of the queue, which a zero leaves as it is.
        Ok((!settings.fifo).then(|| Duration::from_secs(delay as u64)))
    }

    fn deduplication_id(&self, settings: &Settings, body: &str) -> Result<Option<Arc<str>>> {
        check_id(
            "MessageDeduplicationId",
            self.message_deduplication_id.as_deref(),
        )?;
        match &self.message_deduplication_id {
            Some(id) if !settings.fifo => Err(Error::value(
                "MessageDeduplicationId",
                id,
                NOT_FOR_THIS_TYPE,
            )),
            Some(id) => Ok(Some(id.as_str().into())),
            None if settings.fifo => {
                Ok(Some(attributes::hexadecimal(&Sha256::digest(body)).into()))
            }
            None => Ok(None),
        }
    }
}

/// A FIFO queue's sequence number as Amazon writes it: twenty digits that only grow.
pub(super) fn sequence_number(sequence: u64) -> String {
    format!("188{sequence:017}")
}

/// The string in a JSON string; it is copied only if it has escapes to resolve.
fn text(raw: &RawValue) -> Result<Cow<'_, str>> {
    let inside = raw
        .get()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inside {
        Some(inside) if !inside.contains('\\') => Ok(Cow::Borrowed(inside)),
        _ => serde_json::from_str(raw.get())
            .map(Cow::Owned)
            .map_err(|error| Error::Serialization(error.to_string())),
    }
}

fn check_body(body: &str, attributes: usize, settings: &Settings) -> Result<()> {
    if body.is_empty() {
        return Err(Error::missing("MessageBody"));
    }
    if body.len() + attributes > settings.maximum_message_size {
        return Err(Error::InvalidParameterValue(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
            settings.maximum_message_size
        )));
    }
    if !attributes::all_allowed(body) {
        return Err(Error::InvalidMessageContents);
    }
    Ok(())
}

/// The one system attribute a sender may set.
fn trace_header(system: &Attributes) -> Result<Option<String>> {
    for (name, attribute) in system {
        if name != "AWSTraceHeader" {
            return Err(Error::InvalidParameterValue(format!(
                "Message system attribute name '{name}' is invalid."
            )));
        }
        if attribute.data_type != "String" || attribute.string_value.is_none() {
            return Err(Error::InvalidParameterValue(
                "The message system attribute 'AWSTraceHeader' must be of type 'String'.".into(),
            ));
        }
    }
    Ok(system
        .values()
        .next()
        .and_then(|header| header.string_value.clone()))
}

/// Groups and deduplication ids: 1 to 128 letters, digits and punctuation marks of ASCII.
pub(super) fn check_id(name: &str, id: Option<&str>) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    if (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = format!(
        "{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(Error::value(name, id, &reason))
}

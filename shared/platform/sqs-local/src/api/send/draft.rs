//! A message as its sender wants it, checked against every rule there is.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{Body, SendMessage, Sent};
use crate::api::required;
use crate::attributes::{self, Attributes};
use crate::error::{Error, Result};
use crate::md5::Md5;
use crate::queue::Content;
use crate::service::Service;
use crate::settings::Settings;

/// Amazon's reason for refusing what only the other type of queue knows.
pub(in crate::api) const NOT_FOR_THIS_TYPE: &str =
    "The request include parameter that is not valid for this queue type.";

/// A message that passed every check, and what its sender will hear.
pub(super) struct Draft<'a> {
    pub(super) content: Arc<Content>,
    pub(super) delay: Option<Duration>,
    pub(super) answer: Sent<'a>,
}

impl SendMessage<'_> {
    /// What fails a whole batch on a FIFO queue: a group or a deduplication id that is missing.
    pub(super) fn check_group(&self, settings: &Settings) -> Result<()> {
        if !settings.fifo {
            return Ok(());
        }
        if self.message_group_id.is_none() {
            let missing = Error::missing("MessageGroupId");
            return Err(match self.is_entry() {
                // The same words under another code, as Amazon was recorded to answer.
                true => Error::InvalidParameterValue(missing.to_string()),
                false => missing,
            });
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
    pub(super) fn size(&self) -> usize {
        let attributes = self.message_attributes.as_ref().map_or(0, attributes::size);
        self.text().len() + attributes
    }

    /// The body's text; empty when there is no body.
    pub(super) fn text(&self) -> &str {
        self.message_body.as_ref().map_or("", |body| &body.text)
    }

    /// Whether this is an entry of a batch, which has an id.
    fn is_entry(&self) -> bool {
        self.id.is_some()
    }

    /// `trace` is the trace header of the HTTP request.
    pub(super) fn draft(
        &self,
        service: &Service,
        settings: &Settings,
        trace: Option<&str>,
    ) -> Result<Draft<'_>> {
        let Body { raw, text } = required(self.message_body.as_ref(), "MessageBody")?;
        let attributes = self.message_attributes.clone().unwrap_or_default();
        let system = self.message_system_attributes.clone().unwrap_or_default();
        self.check_body(text, attributes::size(&attributes), settings)?;
        attributes::check(&attributes)?;
        let trace_header = trace_header(&system)?.or_else(|| trace.map(String::from));
        let delay = self.delay(settings)?;
        check_id("MessageGroupId", self.message_group_id.as_deref())?;
        let deduplication_id = self.deduplication_id(settings, text)?;

        let md5 = Md5::of(text.as_bytes());
        let answer = Sent {
            id: self.id.as_deref(),
            message_id: Uuid::nil(),
            md5_of_body: md5,
            md5_of_attributes: attributes::md5(&attributes),
            md5_of_system_attributes: attributes::md5(&system),
            sequence_number: None,
        };
        let content = Content {
            id: Builder::from_random_bytes(rand::random()).into_uuid(),
            body: (*raw).to_owned(),
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

    fn check_body(&self, body: &str, attributes: usize, settings: &Settings) -> Result<()> {
        if body.is_empty() {
            return Err(Error::missing("MessageBody"));
        }
        if body.len() + attributes > settings.maximum_message_size {
            let most = settings.maximum_message_size;
            return Err(match self.is_entry() {
                true => Error::EntryTooLong(most),
                false => Error::MessageTooLong(most),
            });
        }
        if !attributes::all_allowed(body) {
            return Err(Error::InvalidMessageContents);
        }
        Ok(())
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
            None if settings.fifo => Ok(Some(sha256(body).into())),
            None => Ok(None),
        }
    }
}

/// As hexadecimal digits.
fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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
pub(in crate::api) fn check_id(name: &str, id: Option<&str>) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    if (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = format!(
        "{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(Error::value(name, id, &reason))
}

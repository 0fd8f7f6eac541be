//! A message to send, checked against all rules.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::body::Body;
use super::request::{SendMessage, Sent};
use crate::api::parameters::{NOT_FOR_THIS_TYPE, check_id, required};
use crate::attributes::{self, Attributes};
use crate::error::{Error, Result};
use crate::md5::Md5;
use crate::message::{Content, Payload};
use crate::region::Region;
use crate::settings::Settings;

/// A message that passed all checks, and the answer to its sender.
pub(super) struct Draft<'a> {
    pub(super) content: Arc<Content>,
    pub(super) delay: Option<Duration>,
    pub(super) answer: Sent<'a>,
}

impl SendMessage<'_> {
    /// Checks what fails a whole batch on a FIFO queue: a missing group or deduplication id.
    pub(super) fn check_group(&self, settings: &Settings) -> Result<()> {
        if !settings.fifo {
            return Ok(());
        }
        if self.message_group_id.is_none() {
            let missing = Error::missing("MessageGroupId");
            return Err(match self.is_entry() {
                // The same text under another code: recordings show that Amazon answers so.
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

    /// The bytes that count toward the limits: those of the body and of the attributes.
    pub(super) fn size(&self) -> usize {
        let attributes = self.message_attributes.as_ref().map_or(0, attributes::size);
        self.text().len() + attributes
    }

    /// The body's text; empty if there is no body.
    pub(super) fn text(&self) -> &str {
        self.message_body.as_ref().map_or("", |body| &body.text)
    }

    /// Whether this is an entry of a batch: only entries have an id.
    fn is_entry(&self) -> bool {
        self.id.is_some()
    }

    /// `trace` is the trace header of the HTTP request.
    pub(super) fn draft(
        &self,
        region: &Region,
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
        let payload = Payload {
            body: (*raw).to_owned(),
            md5,
            attributes,
            trace_header,
            sender: region.account.clone(),
            sent: region.backing.clock.now(),
        };
        let content = Content {
            id: Builder::from_random_bytes(rand::random()).into_uuid(),
            group: self.message_group_id.as_deref().map(Arc::from),
            deduplication_id,
            payload,
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
        // A FIFO queue has no delay per message; a zero leaves the delay of the queue unchanged.
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

/// The digest as hexadecimal digits.
fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of the one system attribute that a sender may set.
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

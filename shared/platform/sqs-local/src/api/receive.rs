//! ReceiveMessage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use sqs_queue::{Receipt, Receive};
use uuid::Uuid;

use super::answer::Answer;
use super::document::{encode, encode_in};
use super::parameters::{NOT_FOR_THIS_TYPE, check_id};
use super::text::sequence_number;
use crate::attributes::{self, Attribute};
use crate::error::{Error, Result};
use crate::md5::Md5;
use crate::message::Delivery;
use crate::receiving;
use crate::region::Region;
use crate::settings::Settings;
use crate::shared_queue::Request;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveMessage {
    queue_url: Option<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    receive_request_attempt_id: Option<String>,
    message_attribute_names: Option<Vec<String>>,
    /// The older name of the next parameter. Both work.
    attribute_names: Option<Vec<String>>,
    message_system_attribute_names: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReceivedMessages<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    message_id: Uuid,
    #[serde(serialize_with = "as_text")]
    receipt_handle: Receipt,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: Md5,
    body: &'a RawValue,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    md5_of_attributes: Option<Md5>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<&'a String, &'a Attribute>,
}

/// The attributes that the queue itself gives a message.
const SYSTEM_ATTRIBUTES: [&str; 9] = [
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

pub(super) async fn receive(region: &Region, request: ReceiveMessage) -> Result<Answer> {
    let queue = region.queue(request.queue_url.as_deref())?;
    let settings = queue.settings();
    let receive = request.check(&settings)?;
    let skip = match settings.fifo {
        true => 0,
        false => region.faults.skip(&queue.name),
    };
    let wait = request.wait(&settings)?;
    let system_attributes = request.system_attributes()?;

    if wait.is_zero()
        && region
            .faults
            .occurs(&queue.name, |faults| faults.short_poll_miss)
    {
        let nothing = encode(&ReceivedMessages {
            messages: Vec::new(),
        });
        return nothing.map(Answer::from);
    }
    let handed_out = receiving::receive(&queue, Request { receive, skip }, wait).await?;

    let names = request.message_attribute_names.unwrap_or_default();
    let show = |delivery| show(delivery, &system_attributes, &names, &settings);
    let deliveries = handed_out.deliveries();
    let room = deliveries
        .iter()
        .map(|delivery| delivery.content.payload.body.get().len() + 512);
    let buffer = Vec::with_capacity(room.sum());
    let messages = deliveries.iter().map(show).collect();
    let document = encode_in(buffer, &ReceivedMessages { messages })?;
    Ok(Answer::of_messages(document, handed_out))
}

impl ReceiveMessage {
    fn check(&self, settings: &Settings) -> Result<Receive> {
        let max = self.max_number_of_messages.unwrap_or(1);
        if !(1..=10).contains(&max) {
            let reason = "Must be between 1 and 10, if provided.";
            return Err(Error::value("MaxNumberOfMessages", max, reason));
        }
        let visibility = self.visibility_timeout.unwrap_or(0);
        if !(0..=43_200).contains(&visibility) {
            let reason = "Must be >= 0 and <= 43200, if provided.";
            return Err(Error::value("VisibilityTimeout", visibility, reason));
        }
        let attempt = self.receive_request_attempt_id.as_deref();
        if let Some(attempt) = attempt.filter(|_| !settings.fifo) {
            let name = "ReceiveRequestAttemptId";
            return Err(Error::value(name, attempt, NOT_FOR_THIS_TYPE));
        }
        check_id("ReceiveRequestAttemptId", attempt)?;
        Ok(Receive {
            max: max as usize,
            visibility: self
                .visibility_timeout
                .map(|_| Duration::from_secs(visibility as u64)),
            attempt: attempt.map(Arc::from),
            ..Receive::default()
        })
    }

    fn wait(&self, settings: &Settings) -> Result<Duration> {
        match self.wait_time_seconds {
            None => Ok(settings.wait),
            Some(wait @ 0..=20) => Ok(Duration::from_secs(wait as u64)),
            Some(wait) => Err(Error::value(
                "WaitTimeSeconds",
                wait,
                "Must be >= 0 and <= 20, if provided.",
            )),
        }
    }

    fn system_attributes(&self) -> Result<Vec<&'static str>> {
        let (older, newer) = (&self.attribute_names, &self.message_system_attribute_names);
        let mut requested = Vec::new();
        for name in older.iter().chain(newer).flatten() {
            match SYSTEM_ATTRIBUTES.iter().find(|known| *known == name) {
                Some(known) => requested.push(*known),
                None if name == "All" => requested.extend(SYSTEM_ATTRIBUTES),
                None => return Err(Error::unknown_attribute(name)),
            }
        }
        Ok(requested)
    }
}

/// A message with the attributes that the client requested. The digest covers only those.
fn show<'a>(
    delivery: &'a Delivery,
    system_attributes: &[&'static str],
    attribute_names: &[String],
    settings: &Settings,
) -> Message<'a> {
    let (content, payload) = (&delivery.content, &delivery.content.payload);
    let message_attributes = attributes::select(&payload.attributes, attribute_names);
    let system = system_attributes
        .iter()
        .filter_map(|name| Some((*name, system_attribute(name, delivery, settings)?)));
    Message {
        message_id: content.id,
        receipt_handle: delivery.receipt,
        md5_of_body: payload.md5,
        body: &payload.body,
        attributes: system.collect(),
        md5_of_attributes: attributes::md5(
            message_attributes
                .iter()
                .map(|(name, attribute)| (*name, *attribute)),
        ),
        message_attributes,
    }
}

fn system_attribute(name: &str, delivery: &Delivery, settings: &Settings) -> Option<String> {
    let Delivery {
        content,
        history,
        sequence,
        ..
    } = delivery;
    match name {
        "SenderId" => Some(content.payload.sender.to_string()),
        "SentTimestamp" => Some(content.payload.sent.0.to_string()),
        "ApproximateReceiveCount" => Some(history.receive_count.to_string()),
        "ApproximateFirstReceiveTimestamp" => history.first_received.map(|at| at.0.to_string()),
        "SequenceNumber" => settings.fifo.then(|| sequence_number(*sequence)),
        "MessageDeduplicationId" => content.deduplication_id.as_deref().map(String::from),
        "MessageGroupId" => content.group.as_deref().map(String::from),
        "AWSTraceHeader" => content.payload.trace_header.clone(),
        "DeadLetterQueueSourceArn" => history.dead_letter_source.as_deref().map(String::from),
        _ => None,
    }
}

fn as_text<S: Serializer>(receipt: &Receipt, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(receipt)
}

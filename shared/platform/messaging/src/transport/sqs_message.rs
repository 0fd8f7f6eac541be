//! Conversion of messages to and from the types of SQS.

use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName as System,
    MessageSystemAttributeNameForSends as SystemForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use uuid::Uuid;

use crate::envelope::{
    DEAD_LETTER_REASON, DEAD_LETTER_SOURCE, DeadLetterReason, Delivery, ExtraAttributes, ID, KIND,
    Outgoing, TEXT, TRACE_PARENT,
};
use crate::topology::{QueueKind, kind};
use crate::trace::xray_header;

/// The system attributes that a receive requests.
pub(super) const SYSTEM_ATTRIBUTES: [System; 4] = [
    System::ApproximateReceiveCount,
    System::SentTimestamp,
    System::MessageGroupId,
    System::AwsTraceHeader,
];

/// The `n`th entry of a call.
pub(super) fn entry(queue: &str, n: usize, message: &Outgoing) -> SendMessageBatchRequestEntry {
    let own = message.own_attributes();
    let own = own.iter().map(|(name, value)| {
        let attribute = MessageAttributeValue::builder().data_type(TEXT);
        let attribute = complete(attribute.string_value(&**value).build());
        ((*name).to_owned(), attribute)
    });
    let attributes = message.extra.attributes.clone().into_iter().chain(own);
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(n.to_string())
        .message_body(&message.body)
        .set_message_attributes(Some(attributes.collect()));
    if let Some(header) = trace_header(message) {
        let value = MessageSystemAttributeValue::builder().data_type(TEXT);
        let value = complete(value.string_value(header).build());
        entry = entry.message_system_attributes(SystemForSends::AwsTraceHeader, value);
    }
    if kind(queue) == QueueKind::Fifo {
        let id = message.id.to_string();
        let deduplication_id = message.deduplication_id.as_ref().unwrap_or(&id);
        entry = entry
            .message_deduplication_id(deduplication_id)
            .message_group_id(message.ordering_key.as_ref().unwrap_or(&id));
    } else {
        // In a standard queue a group makes delivery fair: a noisy key does not delay the others.
        entry = entry.set_message_group_id(message.ordering_key.clone());
        entry = entry.set_delay_seconds(message.delay_seconds());
    }
    complete(entry.build())
}

/// The trace header. A moved message keeps the one that it came with, or none.
fn trace_header(message: &Outgoing) -> Option<String> {
    match message.is_moved() {
        true => message.extra.trace_header.clone(),
        false => xray_header(message.trace_parent.as_deref()?),
    }
}

pub(super) fn delivery(message: Message) -> Delivery {
    let mut attributes = message.message_attributes.unwrap_or_default();
    let mut system = message.attributes.unwrap_or_default();
    // These describe the dead letter and not the message, so a redrive removes them.
    let mut take = |name| attributes.remove(name).and_then(|value| value.string_value);
    let (reason, source) = (take(DEAD_LETTER_REASON), take(DEAD_LETTER_SOURCE));
    // Messages of other senders may use the same names with other types or values.
    let text = |name| attributes.get(name).and_then(|value| value.string_value());
    let sent_at = system
        .get(&System::SentTimestamp)
        .and_then(|at| at.parse().ok());
    let count = system
        .get(&System::ApproximateReceiveCount)
        .and_then(|n| n.parse().ok());
    let sqs_id = message.message_id.unwrap_or_default();
    let own_id = text(ID).and_then(|id| Uuid::try_parse(id).ok());
    Delivery {
        // Other senders set no id of ours.
        id: own_id
            .or_else(|| Uuid::try_parse(&sqs_id).ok())
            .unwrap_or_else(Uuid::now_v7),
        kind: text(KIND).map(str::to_owned),
        body: message.body.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        receive_count: count.unwrap_or(1),
        sent_at: sent_at.map(|at| SystemTime::UNIX_EPOCH + Duration::from_millis(at)),
        group: system.remove(&System::MessageGroupId),
        trace_parent: text(TRACE_PARENT).map(str::to_owned),
        death: reason.map(|reason| DeadLetterReason {
            reason,
            source: source.unwrap_or_default(),
        }),
        extra: ExtraAttributes {
            trace_header: system.remove(&System::AwsTraceHeader),
            attributes,
            is_full: false,
        },
        queue_id: sqs_id,
    }
}

pub(super) fn complete<T, E: std::fmt::Debug>(built: Result<T, E>) -> T {
    built.expect("every required field is set")
}

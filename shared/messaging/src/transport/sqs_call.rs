//! The five calls of the runtime, as SQS knows them.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue,
    MessageSystemAttributeName as System, MessageSystemAttributeNameForSends as SystemForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use uuid::Uuid;

use super::{Death, Delivery, Outgoing, Refused, Settled, Sqs};
use crate::Error;
use crate::topology::{QueueKind, kind, whole_seconds};
use crate::trace::xray_header;

/// The names of our message attributes.
const ID: &str = "message-id";
const KIND: &str = "kind";
const TRACE_PARENT: &str = "traceparent";
const DEATH_REASON: &str = "dead-letter-reason";
const DEATH_SOURCE: &str = "dead-letter-source";
/// What a queue says of a whole call because of one message that it will never take.
const UNSENDABLE: [&str; 2] = ["BatchRequestTooLong", "InvalidMessageContents"];
/// The most attributes of a message: an SQS quota.
const ATTRIBUTES: usize = 10;
/// How a missing queue is called by the JSON protocol, and by the query protocol before it.
const GONE: [&str; 2] = ["QueueDoesNotExist", "NonExistentQueue"];

impl Sqs {
    pub(super) async fn receive(
        &self,
        queue: &str,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let url = self.url(queue).await?;
        let mut call = self
            .polling_client()
            .receive_message()
            .queue_url(&*url)
            .max_number_of_messages(max as i32)
            .wait_time_seconds(wait.as_secs() as i32)
            .visibility_timeout(whole_seconds(visibility) as i32)
            .message_system_attribute_names(System::ApproximateReceiveCount)
            .message_system_attribute_names(System::SentTimestamp)
            .message_attribute_names("All");
        if kind(queue) == QueueKind::Fifo {
            call = call.message_system_attribute_names(System::MessageGroupId);
        }
        match call.send().await {
            Ok(answer) => {
                let messages = answer.messages.unwrap_or_default();
                Ok(messages.into_iter().map(delivery).collect())
            }
            Err(error) => {
                self.forget_if_gone(queue, &error);
                Err(failed("receive from", &self.full_name(queue), error))
            }
        }
    }

    pub(super) async fn send(&self, queue: &str, messages: &[Outgoing]) -> Vec<Settled> {
        let url = match self.url(queue).await {
            Ok(url) => url,
            Err(error) => return all_refused(messages.len(), &error.line()),
        };
        let entries = messages
            .iter()
            .enumerate()
            .map(|(n, message)| entry(queue, n, message));
        let call = self.client().send_message_batch().queue_url(&*url);
        match call.set_entries(Some(entries.collect())).send().await {
            Ok(answer) => settled(messages.len(), answer.failed),
            Err(error) => {
                // Said of a whole call, and of one message only if that is alone.
                let is_final = messages.len() == 1 && is_unsendable(&error);
                let mut refused = self.refused(queue, messages.len(), error);
                let errors = refused
                    .iter_mut()
                    .filter_map(|outcome| outcome.as_mut().err());
                errors.for_each(|refused| refused.is_final = is_final);
                refused
            }
        }
    }

    pub(super) async fn delete(&self, queue: &str, receipts: &[&str]) -> Vec<Settled> {
        let url = match self.url(queue).await {
            Ok(url) => url,
            Err(error) => return all_refused(receipts.len(), &error.line()),
        };
        let entries = receipts.iter().enumerate().map(|(n, receipt)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
            complete(entry.receipt_handle(*receipt).build())
        });
        let call = self.client().delete_message_batch().queue_url(&*url);
        match call.set_entries(Some(entries.collect())).send().await {
            Ok(answer) => settled(receipts.len(), answer.failed),
            Err(error) => self.refused(queue, receipts.len(), error),
        }
    }

    pub(super) async fn hide(&self, queue: &str, receipts: &[(String, Duration)]) -> Vec<Settled> {
        let url = match self.url(queue).await {
            Ok(url) => url,
            Err(error) => return all_refused(receipts.len(), &error.line()),
        };
        let entries = receipts.iter().enumerate().map(|(n, (receipt, time))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(n.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(whole_seconds(*time) as i32);
            complete(entry.build())
        });
        let call = self
            .client()
            .change_message_visibility_batch()
            .queue_url(&*url);
        match call.set_entries(Some(entries.collect())).send().await {
            Ok(answer) => settled(receipts.len(), answer.failed),
            Err(error) => self.refused(queue, receipts.len(), error),
        }
    }

    /// A queue that is gone may come back under another address.
    fn forget_if_gone<E: ProvideErrorMetadata, R>(&self, queue: &str, error: &SdkError<E, R>) {
        let code = error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code);
        if code.is_some_and(|code| GONE.iter().any(|gone| code.ends_with(gone))) {
            self.forget(queue);
        }
    }

    fn refused<E, R>(&self, queue: &str, count: usize, error: SdkError<E, R>) -> Vec<Settled>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        self.forget_if_gone(queue, &error);
        let error = failed("reach", &self.full_name(queue), error);
        all_refused(count, &error.line())
    }
}

fn is_unsendable<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| UNSENDABLE.iter().any(|fault| code.ends_with(fault)))
}

fn entry(queue: &str, n: usize, message: &Outgoing) -> SendMessageBatchRequestEntry {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(n.to_string())
        .message_body(&message.body)
        .message_attributes(ID, text(&message.id.to_string()));
    // A dead letter of somebody else's may have none.
    if !message.kind.is_empty() {
        entry = entry.message_attributes(KIND, text(&message.kind));
    }
    if let Some(trace) = &message.trace_parent {
        entry = entry.message_attributes(TRACE_PARENT, text(trace));
        if let Some(header) = xray_header(trace) {
            let value = MessageSystemAttributeValue::builder().data_type("String");
            let value = complete(value.string_value(header).build());
            entry = entry.message_system_attributes(SystemForSends::AwsTraceHeader, value);
        }
    }
    if let Some(death) = &message.dead {
        entry = entry
            .message_attributes(DEATH_REASON, text(&death.reason))
            .message_attributes(DEATH_SOURCE, text(&death.source));
    }
    // A dead letter has two attributes more than it came with, and may have no room for all.
    let room = ATTRIBUTES
        - entry
            .get_message_attributes()
            .as_ref()
            .map_or(0, HashMap::len);
    for (name, value) in message.foreign.iter().take(room) {
        entry = entry.message_attributes(name, value.clone());
    }
    if kind(queue) == QueueKind::Fifo {
        let id = message.id.to_string();
        let known_by = message.deduplication_id.as_ref().unwrap_or(&id);
        entry = entry
            .message_deduplication_id(known_by)
            .message_group_id(message.ordering_key.as_ref().unwrap_or(&id));
    } else {
        // On a standard queue the key makes it fair: a noisy key does not hold up the others.
        entry = entry.set_message_group_id(message.ordering_key.clone());
        entry = entry.set_delay_seconds(message.delay_seconds());
    }
    complete(entry.build())
}

fn text(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String");
    complete(attribute.string_value(value).build())
}

fn delivery(message: Message) -> Delivery {
    let mut attributes = message.message_attributes.unwrap_or_default();
    let mut attribute = |name| attributes.remove(name).and_then(|value| value.string_value);
    let mut system = message.attributes.unwrap_or_default();
    let sent_at = system
        .get(&System::SentTimestamp)
        .and_then(|at| at.parse().ok());
    let count = system
        .get(&System::ApproximateReceiveCount)
        .and_then(|n| n.parse().ok());
    let sqs_id = message.message_id.unwrap_or_default();
    let own_id = attribute(ID).and_then(|id| Uuid::try_parse(&id).ok());
    Delivery {
        // Whoever does not send through an outbox sends no id of ours.
        id: own_id
            .or_else(|| Uuid::try_parse(&sqs_id).ok())
            .unwrap_or_else(Uuid::now_v7),
        kind: attribute(KIND),
        body: message.body.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        receive_count: count.unwrap_or(1),
        sent_at: sent_at.map(|at| SystemTime::UNIX_EPOCH + Duration::from_millis(at)),
        group: system.remove(&System::MessageGroupId),
        trace_parent: attribute(TRACE_PARENT),
        death: attribute(DEATH_REASON).map(|reason| Death {
            reason,
            source: attribute(DEATH_SOURCE).unwrap_or_default(),
        }),
        foreign: attributes.into_iter().collect(),
        queue_id: sqs_id,
    }
}

/// Every entry in its place: those that are not named as failed have been done.
fn settled(count: usize, failed: Vec<BatchResultErrorEntry>) -> Vec<Settled> {
    let mut outcomes = vec![Ok(()); count];
    for entry in failed {
        let reason = format!("{}: {}", entry.code, entry.message.unwrap_or_default());
        let place = entry
            .id
            .parse()
            .ok()
            .and_then(|n: usize| outcomes.get_mut(n));
        if let Some(outcome) = place {
            *outcome = Err(Refused {
                reason,
                is_final: entry.sender_fault,
            });
        }
    }
    outcomes
}

fn all_refused(count: usize, reason: &str) -> Vec<Settled> {
    let refused = Refused {
        reason: reason.to_owned(),
        is_final: false,
    };
    vec![Err(refused); count]
}

fn complete<T, E: std::fmt::Debug>(built: Result<T, E>) -> T {
    built.expect("every required field is set")
}

/// The SDK's error, as one line.
pub(crate) fn failed<E, R>(action: &'static str, queue: &str, error: SdkError<E, R>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    let reason = match error.as_service_error() {
        Some(service) => {
            let code = service.code().unwrap_or("unknown error");
            format!("{code}: {}", service.message().unwrap_or("no message"))
        }
        None => {
            let mut reason = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                reason = format!("{reason}: {error}");
                cause = error.source();
            }
            reason
        }
    };
    Error::Sqs {
        action,
        queue: queue.to_owned(),
        reason,
    }
}

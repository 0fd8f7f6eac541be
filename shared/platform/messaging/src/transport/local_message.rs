//! A message as a queue in this process stores it, and back.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sqs_queue::Content;
use uuid::Uuid;

use crate::envelope::{Delivery, Outgoing};
use crate::quota::LONGEST_DELAY;

/// What the queue keeps without looking at it.
pub(super) struct Payload {
    pub(super) message: Outgoing,
    sent_at: SystemTime,
}

/// `id` is the queue's own id of the message.
pub(super) fn content(
    message: &Outgoing,
    id: Uuid,
    sent_at: SystemTime,
    fifo: bool,
) -> Content<Payload> {
    let own_id = || message.id.to_string();
    let group = message.ordering_key.clone();
    let group = if fifo {
        group.or_else(|| Some(own_id()))
    } else {
        group
    };
    let deduplication_id = fifo.then(|| message.deduplication_id.clone().unwrap_or_else(own_id));
    Content {
        id,
        group: group.map(Arc::from),
        deduplication_id: deduplication_id.map(Arc::from),
        payload: Payload {
            message: message.clone(),
            sent_at,
        },
    }
}

/// The message's own delay, rounded up to whole milliseconds. A FIFO queue has only its own.
pub(super) fn delay(message: &Outgoing, now: SystemTime, fifo: bool) -> Option<Duration> {
    let due_at = message.due_at.filter(|_| !fifo)?;
    let delay = due_at.duration_since(now).unwrap_or_default();
    let millis = delay.min(LONGEST_DELAY).as_micros().div_ceil(1_000);
    Some(Duration::from_millis(millis as u64))
}

pub(super) fn delivery(received: sqs_queue::Delivery<Payload>) -> Delivery {
    let Payload { message, sent_at } = &received.content.payload;
    Delivery {
        id: message.id,
        kind: Some(message.kind.clone()),
        body: message.body.clone(),
        receipt: received.receipt.to_string(),
        receive_count: received.history.receive_count,
        sent_at: Some(*sent_at),
        group: received.content.group.as_deref().map(str::to_owned),
        trace_parent: message.trace_parent.clone(),
        queue_id: received.content.id.to_string(),
        extra: message.extra.clone(),
        death: message.dead.clone(),
    }
}

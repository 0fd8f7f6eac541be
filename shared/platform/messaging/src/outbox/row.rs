//! A row of the outbox: one message for one queue.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::sendable;
use crate::envelope::{ExtraAttributes, Outgoing};
use crate::quota::LONGEST_DELAY;
use crate::topology::{QueueKind, kind};
use crate::trace::TraceParent;
use crate::{Destination, Error, Message, spans};

/// Maximum delay: 10 years. A longer one is a mistake, and would overflow timestamps.
const MAX_DELAY: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A row of the outbox.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The position in the table; 0 before the insert.
    pub(crate) position: i64,
    pub(crate) outgoing: Outgoing,
    /// Whether it may wait to share a call.
    pub(crate) deferred: bool,
}

/// Makes a row per destination of a message. `parent` is the trace that the message continues.
pub(crate) fn rows<M: Message>(
    message: &M,
    parent: Option<TraceParent>,
) -> Result<Vec<Row>, Error> {
    let body = serde_json::to_string(message).map_err(|source| Error::Encode {
        kind: M::KIND,
        source,
    })?;
    let body = sendable::escaped(body);
    let ordering_key = message.ordering_key();
    let row = |destination: Destination| {
        let id = Uuid::now_v7();
        let created = spans::create(parent, &destination.queue, id, M::KIND);
        let wait = destination.delay.unwrap_or_default();
        if wait > MAX_DELAY {
            return Err(Error::DelayTooLong(wait));
        }
        let outgoing = Outgoing {
            id,
            queue: destination.queue.into_owned(),
            kind: M::KIND.to_owned(),
            body: body.clone(),
            ordering_key: ordering_key.clone(),
            trace_parent: created.map(|trace| trace.to_string()),
            deduplication_id: None,
            extra: ExtraAttributes::new(),
            due_at: destination.delay.map(|delay| SystemTime::now() + delay),
            dead: None,
        };
        sendable::check(M::KIND, &outgoing)?;
        Ok(Row {
            position: 0,
            outgoing,
            deferred: destination.deferred,
        })
    };
    message.destinations().into_iter().map(row).collect()
}

impl Row {
    /// How long it stays in the outbox: the part of its delay that its queue cannot keep.
    pub(crate) fn wait(&self) -> Duration {
        let due = self.outgoing.due_at.unwrap_or(SystemTime::UNIX_EPOCH);
        let left = due.duration_since(SystemTime::now()).unwrap_or_default();
        match kind(&self.outgoing.queue) {
            QueueKind::Standard => left.saturating_sub(LONGEST_DELAY),
            QueueKind::Fifo => left,
        }
    }

    /// Whether its process may send it directly. Ordered messages are polled, because another
    /// process could overtake.
    pub(crate) fn may_be_sent_directly(&self) -> bool {
        self.outgoing.ordering_key.is_none() && self.wait().is_zero()
    }
}

//! What the journal stores.

use std::sync::Arc;

use sqs_queue::{Changes, Time};
use uuid::Uuid;

use crate::message::Payload;
use crate::settings::{Pairs, Settings};

pub(crate) enum Record {
    /// A queue that is new, or whose attributes or tags have changed.
    Queue(QueueRow),
    /// The queue with this id is deleted, with all its messages.
    QueueDeleted(u64),
    /// What has happened in the queue with this id.
    Changes(u64, Changes<Payload>),
    /// The name of the deleted queue with this ARN is reserved from that time on.
    NameReserved(Arc<str>, Time),
    /// A move task that is new, has moved a message or has ended.
    Task(TaskRow),
    TaskRemoved(Uuid),
}

/// A queue without its messages.
pub(crate) struct QueueRow {
    pub(crate) id: u64,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) created: Time,
    pub(crate) last_modified: Time,
    pub(crate) last_purge: Option<Time>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) tags: Pairs,
}

/// A move task. An end is stored by Amazon's name of the status.
#[derive(Clone)]
pub(crate) struct TaskRow {
    pub(crate) id: Uuid,
    pub(crate) region: String,
    pub(crate) source: Arc<str>,
    pub(crate) destination: Option<Arc<str>>,
    pub(crate) rate: Option<u64>,
    pub(crate) started: Time,
    pub(crate) to_move: u64,
    pub(crate) moved: u64,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
}

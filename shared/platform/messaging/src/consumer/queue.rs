//! The queue of a consumer, as all stages share it.

use crate::topology::QueueKind;
use crate::{Health, QueueSpec, Transport};

/// A queue with its transport and the health that its calls are reported to.
pub(super) struct Queue {
    pub(super) spec: QueueSpec,
    pub(super) transport: Transport,
    pub(super) health: Health,
}

impl Queue {
    pub(super) fn is_fifo(&self) -> bool {
        self.spec.kind() == QueueKind::Fifo
    }
}

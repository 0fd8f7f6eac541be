//! Where a move task is stored.

use std::sync::Arc;

use crate::data::Journal;

/// The journal, and the region of the task.
pub(super) struct Storage {
    pub(super) journal: Arc<Journal>,
    pub(super) region: String,
}

//! The settings that decide what a queue does with its messages.

use std::time::Duration;

/// The settings of one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub fifo: bool,
    /// How long every message waits before it can be received: 0 to 15 minutes.
    pub delay: Duration,
    /// How long a received message is hidden from other receives: 0 to 12 hours.
    pub visibility_timeout: Duration,
    /// How long a message is kept: 1 minute to 14 days.
    pub retention: Duration,
    /// FIFO: where a deduplication id is unique.
    pub deduplication_scope: Scope,
}

/// Whether a rule holds for the whole FIFO queue or per message group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Queue,
    MessageGroup,
}

impl Settings {
    /// Amazon's defaults.
    pub fn new(fifo: bool) -> Settings {
        Settings {
            fifo,
            delay: Duration::ZERO,
            visibility_timeout: Duration::from_secs(30),
            retention: Duration::from_secs(4 * 24 * 60 * 60),
            deduplication_scope: Scope::Queue,
        }
    }
}

//! Quotas of SQS.
//!
//! Source: "Amazon SQS message quotas", SQS developer guide.

use std::time::Duration;

/// Maximum messages per batch call.
pub(crate) const BATCH: usize = 10;
/// Maximum bytes of all messages of a batch call, and of one message: 1 MiB.
pub(crate) const BATCH_BYTES: usize = 1024 * 1024;

/// Maximum delay of a message: 15 min.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// Maximum visibility timeout: 12 h.
pub(crate) const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);
/// Maximum wait of a poll: 20 s.
pub(crate) const LONGEST_POLL: Duration = Duration::from_secs(20);

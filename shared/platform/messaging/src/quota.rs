//! Quotas of SQS.
//!
//! Source: "Amazon SQS message quotas", SQS developer guide.

use std::time::Duration;

/// The most messages that a batch call takes: an SQS quota.
pub(crate) const BATCH: usize = 10;
/// The most bytes of messages that a batch call takes, and one message has: an SQS quota.
pub(crate) const BATCH_BYTES: usize = 1024 * 1024;

/// The longest delay that a message can be sent with: an SQS quota.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// The longest visibility timeout of a message: an SQS quota.
pub(crate) const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);
/// The longest poll: an SQS quota.
pub(crate) const LONGEST_POLL: Duration = Duration::from_secs(20);

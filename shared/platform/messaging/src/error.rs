//! Errors outside of handlers.

use std::time::Duration;

/// An error of the runtime.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),

    /// The migrations of outbox and inbox failed.
    #[error("cannot migrate the outbox and inbox")]
    Migration(#[from] sqlx::migrate::MigrateError),

    /// A message cannot be serialized.
    #[error("a message of kind `{kind}` cannot be serialized as JSON")]
    Encode {
        /// The kind of the message.
        kind: &'static str,
        /// The error of the serializer.
        source: serde_json::Error,
    },

    /// A delay is over 10 years.
    #[error("a delay of {0:?} is too long: the outbox keeps messages for up to 10 years")]
    DelayTooLong(Duration),

    /// A message is published with a delay that only an outbox can keep.
    #[error("a delay of {delay:?} on `{queue}` needs an outbox: SQS takes 15 minutes, FIFO none")]
    NeedsOutbox {
        /// The queue.
        queue: String,
        /// The part of the delay that SQS does not take.
        delay: Duration,
    },

    /// SQS would never accept the message.
    #[error("no queue would ever accept this message of kind `{kind}`: {reason}")]
    Unsendable {
        /// The kind of the message.
        kind: &'static str,
        /// The rule that it breaks.
        reason: String,
    },

    /// A queue is missing.
    #[error("the queue `{queue}` does not exist: create it, or start with --queues create")]
    NoSuchQueue {
        /// The queue.
        queue: String,
    },

    /// A call to SQS failed.
    #[error("cannot {action} the queue `{queue}`: {reason}")]
    Sqs {
        /// The action, such as `send to`.
        action: &'static str,
        /// The queue.
        queue: String,
        /// The error of SQS or of the connection.
        reason: String,
    },

    /// An existing queue differs from its specification.
    #[error("the queue `{queue}` is not as expected: {}", .differences.join("; "))]
    Differs {
        /// The queue.
        queue: String,
        /// One entry per setting.
        differences: Vec<String>,
    },

    /// A redrive was requested from a queue that is no dead-letter queue.
    #[error("the queue `{queue}` holds no dead letters: name the one that does, `{instead}`")]
    NoDeadLetters {
        /// The queue.
        queue: String,
        /// Its dead-letter queue.
        instead: String,
    },

    /// No AWS region is set.
    #[error("no AWS region is set: set AWS_REGION, or SQS_ENDPOINT_URL for a server of your own")]
    NoRegion,
}

impl Error {
    /// The error and all its causes in one line.
    pub(crate) fn line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            line = format!("{line}: {error}");
            cause = error.source();
        }
        line
    }
}

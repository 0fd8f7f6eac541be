//! What can go wrong outside of a handler.

use std::time::Duration;

/// An error of the runtime itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),

    #[error("cannot migrate the outbox and inbox")]
    Migration(#[from] sqlx::migrate::MigrateError),

    #[error("a message of kind `{kind}` cannot be written as JSON")]
    Encode {
        kind: &'static str,
        source: serde_json::Error,
    },

    #[error("a delay of {0:?} is too long: the outbox keeps messages for up to 10 years")]
    DelayTooLong(Duration),

    #[error("a delay of {delay:?} on `{queue}` needs an outbox: SQS takes 15 minutes, FIFO none")]
    NeedsOutbox { queue: String, delay: Duration },

    #[error("no queue would ever take this message of kind `{kind}`: {reason}")]
    Unsendable { kind: &'static str, reason: String },

    #[error("the queue `{queue}` does not exist: create it, or start with --queues create")]
    NoSuchQueue { queue: String },

    #[error("cannot {action} the queue `{queue}`: {reason}")]
    Sqs {
        action: &'static str,
        queue: String,
        reason: String,
    },

    #[error("the queue `{queue}` is not as expected: {}", .differences.join("; "))]
    Differs {
        queue: String,
        differences: Vec<String>,
    },

    #[error("the queue `{queue}` holds no dead letters: name the one that does, `{instead}`")]
    NoDeadLetters { queue: String, instead: String },

    #[error("no AWS region is set: set AWS_REGION, or SQS_ENDPOINT_URL for a server of your own")]
    NoRegion,
}

impl Error {
    /// A line with all causes.
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

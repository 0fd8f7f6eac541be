//! How a process finds its queues.

use clap::{Args, ValueEnum};

use crate::Transport;

/// Flags with environment variables beside them, for a service's own settings to flatten.
///
/// Region and credentials come from the places that every AWS tool looks in: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID` and so on, the profile files, web identity, ECS and EC2.
// Without a group of its own: a service that flattens it has Settings, too.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Settings {
    /// An SQS server of your own, such as http://127.0.0.1:9324; Amazon's when left out.
    #[arg(long, env = "SQS_ENDPOINT_URL")]
    pub sqs_endpoint_url: Option<String>,

    /// Put in front of every queue's name, so that deployments can share an account.
    #[arg(long, env = "QUEUE_PREFIX", default_value = "")]
    pub queue_prefix: String,

    /// Whether to create queues that are missing, or only to check what is there.
    #[arg(long, env = "QUEUES", value_enum, default_value_t)]
    pub queues: Provision,

    /// How long a stop may take, in seconds; less than what the supervisor grants before it kills.
    /// Docker grants 10, Kubernetes and ECS 30. A poll of SQS cannot be taken back, so polls are
    /// short enough to be over by then, and below 23 an idle queue costs more than 3 calls a
    /// minute.
    #[arg(long, env = "STOP_SECONDS", default_value_t = STOP_SECONDS)]
    pub stop_seconds: u64,

    /// What carries messages in place of SQS, such as a queue inside the process.
    #[arg(skip)]
    pub transport: Option<Transport>,
}

const STOP_SECONDS: u64 = 30;

/// What to do about queues at the start. An existing queue is never changed: it is compared, and
/// every difference is named.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Provision {
    /// Create what is missing, check the rest.
    #[default]
    Create,
    /// Check only, as where infrastructure code owns the queues.
    ///
    /// Rights that a service then needs: `GetQueueUrl` and `GetQueueAttributes` on each queue that
    /// it reads or sends to; `SendMessage` on each that it sends to; `ReceiveMessage`,
    /// `DeleteMessage` and `ChangeMessageVisibility` on each that it reads; and of the dead letters
    /// of those that it reads, and no others, `GetQueueUrl`, `GetQueueAttributes` and
    /// `SendMessage`.
    Check,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sqs_endpoint_url: None,
            queue_prefix: String::new(),
            queues: Provision::default(),
            stop_seconds: STOP_SECONDS,
            transport: None,
        }
    }
}

impl Settings {
    /// Queues on a server of one's own.
    pub fn endpoint(url: impl Into<String>) -> Settings {
        Settings {
            sqs_endpoint_url: Some(url.into()),
            ..Settings::default()
        }
    }
}

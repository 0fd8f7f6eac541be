//! How a process finds its queues.

use crate::options::SHUTDOWN_TIMEOUT;
use crate::{Error, Provision, Sqs, Transport};

/// How a process finds its queues. With the feature `clap` these are flags with environment
/// variables, for a service's own settings to flatten.
///
/// Region and credentials come from the places that every AWS tool looks in: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID` and so on, the profile files, web identity, ECS and EC2.
// Without a group of its own: a service that flattens it has Settings, too.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "clap", derive(clap::Args), group(skip))]
pub struct Settings {
    /// An SQS server of your own, such as http://127.0.0.1:9324; Amazon's when left out.
    #[cfg_attr(feature = "clap", arg(long, env = "SQS_ENDPOINT_URL"))]
    pub sqs_endpoint_url: Option<String>,

    /// A prefix of every queue's name, so that deployments can share an account.
    #[cfg_attr(feature = "clap", arg(long, env = "QUEUE_PREFIX", default_value = ""))]
    pub queue_prefix: String,

    /// Whether to create queues that are missing, or only to check what is there.
    #[cfg_attr(
        feature = "clap",
        arg(long, env = "QUEUES", value_enum, default_value_t)
    )]
    pub queues: Provision,

    /// How long a graceful shutdown may take, in seconds; less than the supervisor grants before it
    /// kills. Docker grants 10, Kubernetes and ECS 30. An open poll of SQS cannot be cancelled, so
    /// polls are short enough to end in time; below 23 s an idle queue costs more than 3 calls per
    /// minute.
    #[cfg_attr(feature = "clap", arg(long, env = "STOP_SECONDS", default_value_t = STOP_SECONDS))]
    pub stop_seconds: u64,

    /// What carries messages in place of SQS, such as a queue inside the process.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub transport: Option<Transport>,
}

const STOP_SECONDS: u64 = SHUTDOWN_TIMEOUT.as_secs();

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
    /// Queues on a server of your own.
    pub fn endpoint(url: impl Into<String>) -> Settings {
        Settings {
            sqs_endpoint_url: Some(url.into()),
            ..Settings::default()
        }
    }
}

impl Sqs {
    /// Finds region and credentials. Nothing is called yet.
    ///
    /// # Errors
    /// When no region is set anywhere.
    pub async fn connect(settings: &Settings) -> Result<Sqs, Error> {
        Sqs::at(settings.sqs_endpoint_url.as_deref(), &settings.queue_prefix).await
    }
}

//! Settings of the queues of a process.

use crate::options::SHUTDOWN_TIMEOUT;
use crate::{Drill, Error, Provision, Sqs, Transport};

/// Settings of the queues of a process. With the feature `clap` they are command-line flags with
/// environment variables, and a service flattens them into its own settings.
///
/// Region and credentials come from the usual sources of AWS tools: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID` and so on, the profile files, web identity, ECS and EC2.
// The group is skipped because a service that flattens it has a group `Settings`, too.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "clap", derive(clap::Args), group(skip))]
pub struct Settings {
    /// The address of an SQS server, such as http://127.0.0.1:9324. Default: Amazon SQS.
    #[cfg_attr(feature = "clap", arg(long, env = "SQS_ENDPOINT_URL"))]
    pub sqs_endpoint_url: Option<String>,

    /// The prefix of all queue names, so that deployments can share an account.
    #[cfg_attr(feature = "clap", arg(long, env = "QUEUE_PREFIX", default_value = ""))]
    pub queue_prefix: String,

    /// Whether to create missing queues, or only to check the existing ones.
    #[cfg_attr(
        feature = "clap",
        arg(long, env = "QUEUES", value_enum, default_value_t)
    )]
    pub queues: Provision,

    /// How long a graceful shutdown may take, in seconds. It must be less than the supervisor
    /// allows before it kills: Docker 10, Kubernetes and ECS 30. An open poll of SQS cannot be
    /// cancelled, so polls are short enough to end in time; below 23 s an idle queue costs more
    /// than 3 calls per minute.
    #[cfg_attr(feature = "clap", arg(long, env = "STOP_SECONDS", default_value_t = STOP_SECONDS))]
    pub stop_seconds: u64,

    /// A fault or a change to try in practice. Off by default.
    #[cfg_attr(
        feature = "clap",
        arg(long, env = "MESSAGING_DRILL", value_enum, default_value_t)
    )]
    pub drill: Drill,

    /// The transport in place of SQS, such as a queue inside the process.
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
            drill: Drill::Off,
            transport: None,
        }
    }
}

impl Settings {
    /// Settings for the SQS server at this address.
    pub fn endpoint(url: impl Into<String>) -> Settings {
        Settings {
            sqs_endpoint_url: Some(url.into()),
            ..Settings::default()
        }
    }
}

impl Sqs {
    /// Creates a client with region and credentials from the usual sources. It makes no call yet.
    ///
    /// # Errors
    /// When no AWS region is set.
    pub async fn connect(settings: &Settings) -> Result<Sqs, Error> {
        Sqs::at(settings.sqs_endpoint_url.as_deref(), &settings.queue_prefix).await
    }
}

//! What a sandbox starts, and which external servers it uses.

/// The options of a sandbox.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How databases are spread over servers.
    pub postgres: PostgresMode,
    /// Where servers store their data.
    pub storage: Storage,
    /// An external Postgres server, through a role that may create roles and databases. `None`
    /// starts one.
    pub database_url: Option<String>,
    /// An external SQS endpoint: ElasticMQ, LocalStack, or Amazon's own for a region. `None` starts
    /// one.
    pub sqs_endpoint_url: Option<String>,
}

impl Options {
    /// Options with the external servers of `DATABASE_URL` and `SQS_ENDPOINT_URL`, each if it is
    /// set and not empty.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            database_url: variable("DATABASE_URL"),
            sqs_endpoint_url: variable("SQS_ENDPOINT_URL"),
            ..Self::default()
        }
    }
}

/// Where servers that we start store their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Storage {
    /// Under `/var/tmp`, or the directory in `TWOFOLD_SANDBOX_DIR`.
    #[default]
    Disk,
    /// In `/dev/shm`, where a sync takes no time, so that CPU usage compares without disk noise.
    Memory,
}

/// How databases are spread over servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum PostgresMode {
    /// One server for all databases. Each database has its own role.
    #[default]
    Shared,
    /// One server per database.
    Each,
}

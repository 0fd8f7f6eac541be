/// What to start, and what is there already.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub postgres: PostgresMode,
    pub storage: Storage,
    /// A Postgres server to use, through a role that may create roles and databases.
    pub database_url: Option<String>,
    /// An SQS endpoint to use: ElasticMQ, LocalStack, or Amazon's own for a region.
    pub sqs_endpoint_url: Option<String>,
}

impl Options {
    /// `DATABASE_URL` and `SQS_ENDPOINT_URL`, each when set and not empty.
    pub fn from_env() -> Self {
        let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            database_url: given("DATABASE_URL"),
            sqs_endpoint_url: given("SQS_ENDPOINT_URL"),
            ..Self::default()
        }
    }
}

/// Where our own servers keep their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Storage {
    /// Under `/var/tmp`, or the directory in `TWOFOLD_SANDBOX_DIR`.
    #[default]
    Disk,
    /// In `/dev/shm`: durability costs nothing there, so CPU compares without the disk's noise.
    Memory,
}

/// How databases are spread over servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum PostgresMode {
    /// One server, a database and a role for each name.
    #[default]
    Shared,
    /// A server for each name.
    Each,
}

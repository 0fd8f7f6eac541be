/// Where our own servers keep their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// Under `/var/tmp`, or the directory in `TWOFOLD_SANDBOX_DIR`.
    #[default]
    Disk,
    /// In `/dev/shm`: durability costs nothing there, so CPU compares without the disk's noise.
    Memory,
}

/// How databases are spread over servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PostgresMode {
    /// One server, a database and a role for each name.
    #[default]
    Shared,
    /// A server for each name.
    Each,
}

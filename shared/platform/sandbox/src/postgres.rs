//! Postgres servers: found, started, divided into databases, and removed at the end.

mod binaries;
mod database;
mod directory;
mod download;
mod external;
mod lease;
mod own;
mod server;

pub use self::binaries::DIRECTORY_VARIABLE;
pub use self::database::Database;
pub(crate) use self::database::plain_url;
pub use self::lease::Lease;
pub use self::server::Server;

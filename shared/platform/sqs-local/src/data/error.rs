//! Errors of a data directory.

use std::path::PathBuf;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error(
        "{} is in use: stop the sqs-local that uses it, or name another directory", .0.display()
    )]
    InUse(PathBuf),
    #[error(
        "{} has format {found}, and this version reads up to {known}: start the sqs-local that \
         wrote it, or name another directory", .directory.display()
    )]
    Newer {
        directory: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{} is not from sqs-local: name another directory", .0.display())]
    NotOurs(PathBuf),
    #[error("cannot use {}: {source}", .path.display())]
    Unusable {
        path: PathBuf,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

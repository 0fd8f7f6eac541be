//! The errors of the sandbox.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The reason why the sandbox cannot start. Each message is one line that names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No Postgres was found, and none could be downloaded.
    #[error(
        "no postgres found ({tried}): install it (`apt-get install postgresql`, `brew install \
         postgresql`), name the directory of its programs in TWOFOLD_POSTGRES_DIR, or set \
         DATABASE_URL"
    )]
    PostgresNotFound {
        /// The places, each with the reason.
        tried: String,
    },

    /// The program runs as root, and no account exists that Postgres could run as.
    #[error("postgres refuses to run as root, and there is no user postgres or nobody: add one")]
    NoAccount,

    /// No external server answers, or its address is malformed.
    #[error("cannot reach the database at {address}: {reason}; start it or correct DATABASE_URL")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The error of the connection.
        reason: String,
    },

    /// Another program listens on the port.
    #[error("port {0} is taken: choose another, or none to have a free one picked")]
    PortTaken(u16),

    /// The disk is full.
    #[error("no space left at {path}: free some, or set {variable} to a directory with more space")]
    DiskFull {
        /// The directory.
        path: PathBuf,
        /// The environment variable that names another one.
        variable: &'static str,
    },

    /// The base directory belongs to another user.
    #[error("{path} belongs to another user: remove it, or set TWOFOLD_SANDBOX_DIR")]
    NotOurDirectory {
        /// The directory.
        path: PathBuf,
    },

    /// This machine has no `/dev/shm`.
    #[error("there is no memory file system at /dev/shm here: choose disk storage")]
    NoMemoryStorage,

    /// One server per database was requested, but there is one external server.
    #[error("DATABASE_URL names one server: unset it to start one server per database")]
    OneExternalServer,

    /// The feature `containers` is off.
    #[error(
        "tests on containers need the feature `containers`: test the whole workspace, or add \
         `--features sandbox/containers`"
    )]
    NoContainers,

    /// `TWOFOLD_TEST_BACKEND` has another value.
    #[error("TWOFOLD_TEST_BACKEND is `{0}`: set embedded, containers or auto")]
    UnknownBackend(String),

    /// A container did not start.
    #[error("no container: {0}; start a Docker engine, or unset TWOFOLD_TEST_BACKEND")]
    Containers(String),

    /// A program failed.
    #[error("`{program}` failed: {reason}")]
    Program {
        /// Its path or name.
        program: String,
        /// Its own error message, or the last line that it printed.
        reason: String,
    },

    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; choose another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        error: io::Error,
    },

    /// A file or directory cannot be used.
    #[error("cannot use {path}: {error}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },

    /// The database refused a statement or a connection.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// An error of this file; a full disk has its own error.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::disk_full(path),
            _ => Self::File {
                path: path.into(),
                error,
            },
        }
    }

    /// An error of this address; a taken port has its own error.
    pub(crate) fn listen(address: SocketAddr) -> impl Fn(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::AddrInUse => Self::PortTaken(address.port()),
            _ => Self::Listen { address, error },
        }
    }

    pub(crate) fn disk_full(path: &Path) -> Self {
        Self::DiskFull {
            path: path.into(),
            variable: "TWOFOLD_SANDBOX_DIR",
        }
    }

    /// An error of a program, by its output. A full disk and a taken port have their own errors.
    pub(crate) fn program(program: &Path, output: &str, directory: &Path, port: u16) -> Self {
        if output.contains("No space left on device") {
            return Self::disk_full(directory);
        }
        if output.contains("Address already in use") {
            return Self::PortTaken(port);
        }
        let is_error = |line: &&str| {
            ["FATAL", "error", "not found"]
                .iter()
                .any(|w| line.contains(w))
        };
        let reason = output
            .lines()
            .find(is_error)
            .or(output.lines().last())
            .unwrap_or("no output");
        Self::Program {
            program: program.display().to_string(),
            reason: reason.trim().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_program_becomes_an_error_with_a_remedy() {
        let check = |output: &str, expected: &str| {
            let error = Error::program(Path::new("postgres"), output, Path::new("/data"), 5432);
            assert_eq!(error.to_string(), expected);
        };
        check(
            "cp: error writing '/data/1': No space left on device",
            "no space left at /data: free some, or set TWOFOLD_SANDBOX_DIR to a directory with \
             more space",
        );
        check(
            "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\nHINT: ...",
            "port 5432 is taken: choose another, or none to have a free one picked",
        );
        check(
            "LOG:  starting\nFATAL:  lock file \"postmaster.pid\" already exists\nLOG:  bye",
            "`postgres` failed: FATAL:  lock file \"postmaster.pid\" already exists",
        );
        check("", "`postgres` failed: no output");
    }
}

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What keeps the sandbox from starting. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no postgres found ({tried}): install it (`apt-get install postgresql`, `brew install \
         postgresql`), name the directory of its programs in TWOFOLD_POSTGRES_DIR, or set \
         DATABASE_URL"
    )]
    PostgresNotFound { tried: String },

    #[error("postgres refuses to run as root, and there is no user postgres or nobody: add one")]
    NoAccount,

    #[error("cannot reach the database at {address}: {reason}; start it or mend DATABASE_URL")]
    Unreachable { address: String, reason: String },

    #[error("port {0} is taken: choose another, or none to have a free one picked")]
    PortTaken(u16),

    #[error("no space left at {path}: free some, or name a roomier place in {variable}")]
    DiskFull {
        path: PathBuf,
        variable: &'static str,
    },

    #[error("{path} belongs to another user: remove it, or set TWOFOLD_SANDBOX_DIR")]
    ForeignDirectory { path: PathBuf },

    #[error("there is no memory file system at /dev/shm here: leave out memory storage")]
    NoMemoryStorage,

    #[error("DATABASE_URL names one server: unset it to give every database a server of its own")]
    OneServerGiven,

    #[error(
        "tests on containers take a feature that this crate by itself is built without: test the \
         whole workspace, or add `--features sandbox/containers`"
    )]
    NoContainers,

    #[error("TWOFOLD_TEST_BACKEND is `{0}`: set embedded, containers or auto")]
    UnknownBackend(String),

    #[error("no container: {0}; start a Docker engine, or unset TWOFOLD_TEST_BACKEND")]
    Containers(String),

    #[error("`{program}` failed: {reason}")]
    Program { program: String, reason: String },

    #[error("cannot listen on {address}: {error}; choose another address")]
    Listen {
        address: SocketAddr,
        error: io::Error,
    },

    #[error("cannot use {path}: {error}")]
    File { path: PathBuf, error: io::Error },

    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// Names the file, and tells a full disk from everything else.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::disk_full(path),
            _ => Self::File {
                path: path.into(),
                error,
            },
        }
    }

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

    /// Reads a program's output for the troubles people can mend.
    pub(crate) fn program(program: &Path, output: &str, directory: &Path, port: u16) -> Self {
        if output.contains("No space left on device") {
            return Self::disk_full(directory);
        }
        if output.contains("Address already in use") {
            return Self::PortTaken(port);
        }
        let told = |line: &&str| {
            ["FATAL", "error", "not found"]
                .iter()
                .any(|w| line.contains(w))
        };
        let reason = output
            .lines()
            .find(told)
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
    fn what_a_program_printed_becomes_advice() {
        let check = |output: &str, expected: &str| {
            let error = Error::program(Path::new("postgres"), output, Path::new("/data"), 5432);
            assert_eq!(error.to_string(), expected);
        };
        check(
            "cp: error writing '/data/1': No space left on device",
            "no space left at /data: free some, or name a roomier place in TWOFOLD_SANDBOX_DIR",
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

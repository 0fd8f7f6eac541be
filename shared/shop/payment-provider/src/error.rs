//! Why the provider cannot start.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why the provider cannot start. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process listens on the port.
    #[error("port {0} is taken: choose another, or none to have a free one picked")]
    PortTaken(u16),

    /// The address cannot be used.
    #[error("cannot listen on {address}: {error}; choose another address")]
    Listen {
        address: SocketAddr,
        error: io::Error,
    },

    /// The ledger's file cannot be used.
    #[error("cannot use {path} as the ledger: {error}; name another file, or free some space")]
    Ledger { path: PathBuf, error: io::Error },
}

impl Error {
    pub(crate) fn listen(address: SocketAddr) -> impl Fn(io::Error) -> Error {
        move |error| match error.kind() {
            io::ErrorKind::AddrInUse => Error::PortTaken(address.port()),
            _ => Error::Listen { address, error },
        }
    }

    pub(crate) fn ledger(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
        move |error| Error::Ledger {
            path: path.into(),
            error,
        }
    }
}

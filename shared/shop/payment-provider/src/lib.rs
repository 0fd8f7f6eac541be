//! A payment provider for tests and comparisons: a third party reached over HTTP, with latency and
//! faults that can be set while it runs.
//!
//! Every request is idempotent, with the order's id as its key; real providers use an idempotency
//! key. The audit of a run compares its ledger with the shop's tables. The ledger is in memory, and
//! also in a file if it must survive a restart.

mod behaviour;
mod body;
mod entry;
mod error;
mod journal;
mod ledger;
mod problem;
mod routes;
pub mod testing;

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::behaviour::{Behaviour, DECLINED_METHOD};
pub use self::entry::{Authorization, Entry, Status};
pub use self::error::Error;
pub use self::ledger::{Ledger, Refusal};

/// A provider in this process. Dropping it closes its port.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    state: routes::Shared,
    server: JoinHandle<io::Result<()>>,
}

impl Provider {
    /// Serves on `address`; port 0 picks a free one.
    ///
    /// # Errors
    /// When the port is in use, or the address is not one of this machine.
    pub async fn start(address: SocketAddr) -> Result<Self, Error> {
        Self::serve(address, Ledger::default()).await
    }

    /// Does the same with a ledger in `file`, which it continues if the file exists.
    ///
    /// # Errors
    /// Also when the file cannot be used, or is not a ledger.
    pub async fn start_with_ledger(address: SocketAddr, file: &Path) -> Result<Self, Error> {
        let ledger = Ledger::open(file).map_err(Error::ledger(file))?;
        Self::serve(address, ledger).await
    }

    async fn serve(address: SocketAddr, ledger: Ledger) -> Result<Self, Error> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(Error::listen(address))?;
        let address = listener.local_addr().map_err(Error::listen(address))?;
        Ok(Self::on(listener, address, ledger))
    }

    fn on(listener: TcpListener, address: SocketAddr, ledger: Ledger) -> Self {
        let state = routes::state(ledger);
        let router = routes::router(state.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            state,
            server,
        }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, for `PAYMENT_PROVIDER_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes its behaviour, from the next request on.
    ///
    /// # Panics
    /// When a rate is not 0 to 1, or the latency exceeds 60 s.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        if let Err(reason) = behaviour.check() {
            panic!("{reason}");
        }
        routes::set_behaviour(&self.state, behaviour);
    }

    /// Every entry of its ledger, sorted by order id.
    pub fn ledger(&self) -> Vec<Entry> {
        routes::lock(&self.state)
            .ledger
            .entries()
            .cloned()
            .collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

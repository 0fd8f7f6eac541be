//! A payment provider: a third party that takes money over HTTP and misbehaves when told to.
//!
//! Idempotent by order id, as real ones are by an idempotency key. The audit of a run reads its
//! ledger beside the shop's own tables. The ledger is in memory, and on disk where a shop must
//! survive the provider's restart.

mod behaviour;
mod body;
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
pub use self::error::Error;
use self::ledger::Ledger;
pub use self::ledger::{Authorization, Entry, Status};

/// A provider in this process. Its port is closed when dropped.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    books: routes::Shared,
    server: JoinHandle<io::Result<()>>,
}

impl Provider {
    /// Serves on `address`; port 0 picks a free one.
    ///
    /// # Errors
    /// When the port is taken or the address is not ours.
    pub async fn start(address: SocketAddr) -> Result<Self, Error> {
        Self::serve(address, Ledger::default()).await
    }

    /// The same, with a ledger that is kept in `file` and continued from there.
    ///
    /// # Errors
    /// Also when the file cannot be used, or is not a ledger.
    pub async fn start_on(address: SocketAddr, file: &Path) -> Result<Self, Error> {
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
        let books = routes::books(ledger);
        let router = routes::router(books.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            books,
            server,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For `PAYMENT_PROVIDER_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes how it behaves from the next request on.
    ///
    /// # Panics
    /// When a rate is not within 0 to 1, or the latency above 60 s.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        if let Err(reason) = behaviour.check() {
            panic!("{reason}");
        }
        routes::set_behaviour(&self.books, behaviour);
    }

    /// Every entry of its books, in the order of the orders' ids.
    pub fn ledger(&self) -> Vec<Entry> {
        routes::open(&self.books)
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

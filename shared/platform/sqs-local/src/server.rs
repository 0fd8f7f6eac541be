//! The server, which accepts connections until it is dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

use crate::account::{Account, Options};
use crate::control::Control;
use crate::error::Result;
use crate::head::Head;
use crate::http;

/// A running server. It stops, with all its connections, when this is dropped.
pub struct SqsLocal {
    account: Arc<Account>,
    address: SocketAddr,
    _stop: DropGuard,
}

impl SqsLocal {
    /// Starts a server on `address`; port 0 chooses a free port.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub async fn start(address: impl ToSocketAddrs) -> io::Result<SqsLocal> {
        SqsLocal::start_with(address, Options::default()).await
    }

    /// Starts a server with options.
    ///
    /// # Errors
    /// When it cannot listen on the address, or cannot read the data.
    pub async fn start_with(address: impl ToSocketAddrs, options: Options) -> io::Result<SqsLocal> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let account = Arc::new(Account::new(options)?);
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, account.clone(), stop.clone()));
        Ok(SqsLocal {
            account,
            address,
            _stop: stop.drop_guard(),
        })
    }

    /// The URL to give to an SDK.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle to look inside and to inject faults.
    pub fn control(&self) -> Control {
        Control::new(self.account.clone())
    }

    /// Answers one request without HTTP: takes an action and its JSON document, returns the JSON
    /// document of the answer. With tokio's clock paused, a test of fourteen days takes a
    /// millisecond.
    ///
    /// # Errors
    /// Those of Amazon.
    pub async fn call(&self, action: &str, document: &str) -> Result<Vec<u8>> {
        let host = self.address.to_string();
        self.account
            .call(&Head::of_host(&host), action, document.as_bytes())
            .await
    }
}

async fn accept(listener: TcpListener, account: Arc<Account>, stop: CancellationToken) {
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let serve = serve(stream, account.clone());
                    let stop = stop.clone();
                    tokio::spawn(async move { stop.run_until_cancelled(serve).await });
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    stop.run_until_cancelled(accept).await;
}

async fn serve(stream: TcpStream, account: Arc<Account>) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot switch Nagle's algorithm off");
    }
    let handler = service_fn(|request| http::handle(&account, request));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(None);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), handler).await {
        debug!(%error, "connection ended");
    }
}

//! The server: accepts connections until it is dropped.

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

use crate::http;
use crate::service::Service;

/// A running server. It stops, with all its connections, when this is dropped.
pub struct SqsLocal {
    service: Arc<Service>,
    address: SocketAddr,
    _stop: DropGuard,
}

/// Who the server pretends to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The twelve digits in queue URLs and ARNs.
    pub account: String,
    /// The region in ARNs.
    pub region: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            account: "000000000000".into(),
            region: "us-east-1".into(),
        }
    }
}

impl SqsLocal {
    /// Starts a server on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(address: impl ToSocketAddrs) -> io::Result<SqsLocal> {
        SqsLocal::start_with(address, Options::default()).await
    }

    /// The same, with options.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_with(address: impl ToSocketAddrs, options: Options) -> io::Result<SqsLocal> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let service = Arc::new(Service::new(options.account, options.region));
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, service.clone(), stop.clone()));
        Ok(SqsLocal {
            service,
            address,
            _stop: stop.drop_guard(),
        })
    }

    /// The URL to give to an SDK.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often each action was called, since the start or the last reset.
    pub fn calls(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.service.calls()
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, service: Arc<Service>, stop: CancellationToken) {
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let serve = serve(stream, service.clone());
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

async fn serve(stream: TcpStream, service: Arc<Service>) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot switch Nagle's algorithm off");
    }
    let handler = service_fn(|request| http::handle(&service, request));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(None);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), handler).await {
        debug!(%error, "connection ended");
    }
}

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

use crate::cloud::{Cloud, Options};
use crate::control::Control;
use crate::error::Result;
use crate::head::Head;
use crate::http;

/// A running server. It stops, with all its connections, when this is dropped.
pub struct SqsLocal {
    cloud: Arc<Cloud>,
    address: SocketAddr,
    _stop: DropGuard,
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
        let cloud = Arc::new(Cloud::new(options));
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, cloud.clone(), stop.clone()));
        Ok(SqsLocal {
            cloud,
            address,
            _stop: stop.drop_guard(),
        })
    }

    /// The URL to give to an SDK.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Looks inside, and makes trouble.
    pub fn control(&self) -> Control {
        Control::new(self.cloud.clone())
    }

    /// One request without HTTP: an action and its JSON document, answered by another. With
    /// tokio's clock paused, a test of fourteen days takes a millisecond.
    ///
    /// # Errors
    /// Amazon's.
    pub async fn call(&self, action: &str, document: &str) -> Result<Vec<u8>> {
        let host = self.address.to_string();
        self.cloud
            .call(&Head::of_host(&host), action, document.as_bytes())
            .await
    }
}

async fn accept(listener: TcpListener, cloud: Arc<Cloud>, stop: CancellationToken) {
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let serve = serve(stream, cloud.clone());
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

async fn serve(stream: TcpStream, cloud: Arc<Cloud>) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot switch Nagle's algorithm off");
    }
    let handler = service_fn(|request| http::handle(&cloud, request));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(None);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), handler).await {
        debug!(%error, "connection ended");
    }
}

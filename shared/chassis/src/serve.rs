//! The HTTP server: accepts connections until it is told to stop, then lets them finish.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::request::{App, answer};

/// How long requests may go on after the signal to stop: what `docker stop` grants a process.
const GRACE: Duration = Duration::from_secs(10);

/// How long a connection may take to send the head of a request, or stay open without one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves until `shutdown`, then for up to [`GRACE`] until open requests are answered.
pub(crate) async fn serve(listener: TcpListener, app: App, shutdown: CancellationToken) {
    let app = Arc::new(app);
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);

    while let Some(stream) = accept(&listener, &shutdown).await {
        let app = app.clone();
        let service = service_fn(move |request| answer(app.clone(), request));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection broken");
            }
        });
    }

    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown())
        .await
        .is_err()
    {
        warn!(seconds = GRACE.as_secs(), "gave up on open requests");
    }
}

/// The next connection, or `None` once it is time to stop.
async fn accept(listener: &TcpListener, shutdown: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return None,
        };
        match accepted {
            Ok((stream, _)) => {
                // Answers are small and written whole, so there is nothing to wait for.
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "connection without TCP_NODELAY");
                }
                return Some(stream);
            }
            // Out of file descriptors, mostly. Some connection will close; try again then.
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

//! The HTTP server: accepts connections until it is told to stop, then lets them finish.
//!
//! `axum::serve` cannot stand here: it has no limit on the time that a head may take, none on the
//! size of a head, none on how many connections are open, and none on how long open requests may
//! go on after the signal to stop.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::Problem;
use crate::head::HEAD_BUFFER;
use crate::problem::as_sent;
use crate::request::{App, answer};

/// How long requests may go on after the signal to stop: what `docker stop` grants a process.
const GRACE: Duration = Duration::from_secs(10);

/// How long a connection may take to send the head of a request, or stay open without one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How many of the connections beyond the limit are told so at a time. More are closed.
const REFUSALS: usize = 256;
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves up to `limit` connections until `shutdown`, then for up to [`GRACE`] until open requests
/// are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    limit: usize,
    shutdown: CancellationToken,
) {
    let app = Arc::new(app);
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limit));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD_BUFFER);

    while let Some(stream) = accept(&listener, &shutdown).await {
        let Ok(place) = places.clone().try_acquire_owned() else {
            if let Ok(refusal) = refusals.clone().try_acquire_owned() {
                tokio::spawn(async move {
                    refuse(stream).await;
                    drop(refusal);
                });
            }
            continue;
        };
        let app = app.clone();
        let service = service_fn(move |request| answer(app.clone(), request));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection broken");
            }
            drop(place);
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

/// Answers 503 to whatever is asked. A connection that is closed with something unread is reset,
/// and then its client may not see the answer, so what has been sent is read first.
async fn refuse(mut stream: TcpStream) {
    let answering = async {
        let mut asked = vec![0; 4096];
        let _ = stream.read(&mut asked).await?;
        let problem = Problem::unavailable("too many connections are open: try again");
        stream.write_all(&as_sent(problem)).await?;
        stream.shutdown().await
    };
    if let Ok(Err(error)) = tokio::time::timeout(REFUSAL_TIMEOUT, answering).await {
        debug!(%error, "connection broken");
    }
}

//! The HTTP server: accepts connections until shutdown, then lets open requests finish.
//!
//! It replaces `axum::serve`, which sets no limit on the number of connections, on the time that a
//! request head may take, on the size of a head, and on the time that open requests may take after
//! the shutdown signal. `docs/adr/0017-the-accept-loop-is-our-own.md` weighs both.

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
use crate::problem::raw_response;
use crate::request::{App, answer};

/// How long open requests may take after the shutdown signal: 10 s, as `docker stop` grants a
/// process before it kills it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to send the head of a request, or stay idle between requests.
/// 30 s is also hyper's own default.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may leave bytes of an answer unread or unacknowledged. Then the kernel closes
/// the connection: the client hangs, is gone, or keeps the connection busy on purpose.
#[cfg(target_os = "linux")]
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How many connections beyond the limit are answered with 503 at a time. Others are closed
/// without an answer.
const REFUSALS: usize = 256;
/// How long the answer to one of them may take.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves up to `limit` connections until `shutdown`, then waits up to [`DRAIN_TIMEOUT`] until open
/// requests are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    limit: usize,
    shutdown: CancellationToken,
) {
    let app = Arc::new(app);
    let connections = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(limit));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEAD_BUFFER);

    while let Some(stream) = accept(&listener, &shutdown).await {
        let Ok(permit) = permits.clone().try_acquire_owned() else {
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
            drop(permit);
        });
    }

    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, connections.shutdown())
        .await
        .is_err()
    {
        let seconds = DRAIN_TIMEOUT.as_secs();
        warn!(seconds, "closed connections whose requests were still open");
    }
}

/// Returns the next connection, or `None` on shutdown.
async fn accept(listener: &TcpListener, shutdown: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return None,
        };
        match accepted {
            Ok((stream, _)) => {
                if let Err(error) = set_options(&stream) {
                    debug!(%error, "connection without its options");
                }
                return Some(stream);
            }
            // Usually the process has no free file descriptor. One is free when a connection
            // closes.
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn set_options(stream: &TcpStream) -> std::io::Result<()> {
    // Responses are small and written whole, so Nagle's algorithm only adds delay.
    stream.set_nodelay(true)?;
    // hyper has no timeout for writing.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT))?;
    Ok(())
}

/// Answers any request with 503. It reads the request first: closing a connection with unread bytes
/// resets it, and then the client may not see the answer.
async fn refuse(mut stream: TcpStream) {
    let answering = async {
        let mut request = vec![0; 4096];
        let _ = stream.read(&mut request).await?;
        let problem = Problem::unavailable("too many connections are open: try again");
        stream.write_all(&raw_response(problem)).await?;
        stream.shutdown().await
    };
    if let Ok(Err(error)) = tokio::time::timeout(REFUSAL_TIMEOUT, answering).await {
        debug!(%error, "connection broken");
    }
}

//! A request's body: read completely if it is fast, streamed if it is slow.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use chassis::Problem;
use futures::{StreamExt, stream};
use http_body_util::BodyExt;

/// How long a body may take to arrive before its request counts as slow. Nearly all bodies arrive
/// with their head. One more packet takes a round trip, which is shorter than this on any network.
const READ_AHEAD: Duration = Duration::from_millis(300);

/// A body, as far as it has arrived within [`READ_AHEAD`].
pub(crate) enum Arrival {
    /// The complete body.
    Whole(Bytes),
    /// The body with the part that is still to come. It is streamed to the service.
    Slow(Body),
}

/// Waits for the body for up to [`READ_AHEAD`]. Only the body itself, 64 KiB at most, is kept
/// meanwhile.
///
/// # Errors
/// 400, 408 or 413 when the body differs from its announced length, or is late.
pub(crate) async fn read_ahead(mut body: Body) -> Result<Arrival, Problem> {
    let mut pieces: Vec<Bytes> = vec![];
    let reading = async {
        while !body.is_end_stream() {
            match body.frame().await {
                Some(Ok(frame)) => pieces.extend(frame.into_data()),
                Some(Err(error)) => return Err(Problem::of_body(&error)),
                None => break,
            }
        }
        Ok(())
    };
    match tokio::time::timeout(READ_AHEAD, reading).await {
        Ok(Ok(())) => Ok(Arrival::Whole(joined(pieces))),
        Ok(Err(problem)) => Err(problem),
        Err(_) => {
            let arrived = stream::iter(pieces.into_iter().map(Ok));
            let rest = arrived.chain(body.into_data_stream());
            Ok(Arrival::Slow(Body::from_stream(rest)))
        }
    }
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        0 | 1 => pieces.pop().unwrap_or_default(),
        _ => pieces.concat().into(),
    }
}

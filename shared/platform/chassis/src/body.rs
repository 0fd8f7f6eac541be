//! The request body, limited in size and in time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use http_body_util::Limited;
use hyper::body::{Frame, Incoming, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep};

/// Maximum bytes of a request body. The largest order of 50 lines has 5 KiB.
pub const BODY_LIMIT: usize = 64 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The client did not send its body before the deadline.
#[derive(Debug, Error)]
#[error("the body did not arrive in time")]
pub(crate) struct TooSlow;

/// A body that fails once it exceeds [`BODY_LIMIT`] or is incomplete at its deadline.
pub(crate) struct BoundedBody {
    body: Limited<Incoming>,
    deadline: Instant,
    /// Created only when a read has to wait: most bodies arrive together with their head.
    timer: Option<Pin<Box<Sleep>>>,
}

impl BoundedBody {
    pub(crate) fn new(body: Incoming, deadline: Instant) -> BoundedBody {
        BoundedBody {
            body: Limited::new(body, BODY_LIMIT),
            deadline,
            timer: None,
        }
    }
}

impl HttpBody for BoundedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_ready() {
            return frame;
        }
        let deadline = self.deadline;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

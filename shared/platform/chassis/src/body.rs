//! A request's body, limited in size and in time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use http_body_util::Limited;
use hyper::body::{Frame, Incoming, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep};

use crate::BODY_LIMIT;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The client did not send its body in time.
#[derive(Debug, Error)]
#[error("the body did not arrive in time")]
pub(crate) struct TooSlow;

/// A body that is an error once it exceeds [`BODY_LIMIT`], or is not whole at its deadline.
pub(crate) struct BoundedBody {
    body: Limited<Incoming>,
    deadline: Instant,
    /// Made only when the body is waited for: most arrive with their head.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl BoundedBody {
    pub(crate) fn new(body: Incoming, deadline: Instant) -> BoundedBody {
        BoundedBody {
            body: Limited::new(body, BODY_LIMIT),
            deadline,
            alarm: None,
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
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! The conversion of handlers into the erased type of the consumer.

use super::erased::{Batch, Each, Erased, decode, output};
use super::{BatchHandler, Handler, PlainHandler};
use crate::Message;

/// A [`PlainHandler`] followed by a handler of its output: see [`PlainHandler::then`].
pub struct Then<P, H> {
    pub(super) before: P,
    pub(super) handler: H,
}

/// The types that can handle the messages of a queue: a [`Handler`], a [`BatchHandler`], a
/// [`PlainHandler`] without output, or one [followed by](PlainHandler::then) one of the others.
///
/// `Kind` distinguishes the implementations and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of messages",
    note = "implement `Handler`, `BatchHandler` or `PlainHandler`, and `Message` for its message"
)]
pub trait IntoHandler<Kind> {
    #[doc(hidden)]
    fn into_handler(self) -> Erased;
}

/// The kinds of handler, which distinguish the implementations of [`IntoHandler`].
pub mod kind {
    /// A [`Handler`](crate::Handler).
    pub struct One;
    /// A [`BatchHandler`](crate::BatchHandler).
    pub struct Batch;
    /// A [`PlainHandler`](crate::PlainHandler).
    pub struct Plain;
    /// A `PlainHandler` followed by a `Handler`.
    pub struct ThenOne;
    /// A `PlainHandler` followed by a `BatchHandler`.
    pub struct ThenBatch;
}

impl<H: Handler<Message: Message>> IntoHandler<kind::One> for H {
    fn into_handler(self) -> Erased {
        let handler = self;
        Erased::in_transaction(Each {
            handler,
            read: decode,
        })
    }
}

impl<H: BatchHandler<Message: Message>> IntoHandler<kind::Batch> for H {
    fn into_handler(self) -> Erased {
        let handler = self;
        Erased::in_transaction(Batch {
            handler,
            read: decode,
        })
    }
}

impl<P: PlainHandler<Output = ()>> IntoHandler<kind::Plain> for P {
    fn into_handler(self) -> Erased {
        Erased::plain(self)
    }
}

impl<P, H> IntoHandler<kind::ThenOne> for Then<P, H>
where
    P: PlainHandler,
    H: Handler<Message = P::Output>,
{
    fn into_handler(self) -> Erased {
        let handler = self.handler;
        Erased::in_transaction(Each {
            handler,
            read: output,
        })
        .after(self.before)
    }
}

impl<P, H> IntoHandler<kind::ThenBatch> for Then<P, H>
where
    P: PlainHandler,
    H: BatchHandler<Message = P::Output>,
{
    fn into_handler(self) -> Erased {
        let handler = self.handler;
        Erased::in_transaction(Batch {
            handler,
            read: output,
        })
        .after(self.before)
    }
}

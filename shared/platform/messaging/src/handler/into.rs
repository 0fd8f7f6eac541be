//! From a handler's own types to the one that the consumer works with.

use super::erased::{Batch, Each, Erased, decode, output};
use super::{BatchHandler, Handler, PlainHandler};
use crate::Message;

/// A [`PlainHandler`], and then a handler of its output: see [`PlainHandler::then`].
pub struct Then<P, H> {
    pub(super) before: P,
    pub(super) handler: H,
}

/// Whatever can handle the messages of a queue: a [`Handler`], a [`BatchHandler`], a
/// [`PlainHandler`] without an output, or one [and then](PlainHandler::then) one of the others.
///
/// `Kind` tells the implementations apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of messages",
    note = "implement `Handler`, `BatchHandler` or `PlainHandler`, and `Message` for its message"
)]
pub trait IntoHandler<Kind> {
    #[doc(hidden)]
    fn into_handler(self) -> Erased;
}

/// The kinds of handler, to tell the implementations of [`IntoHandler`] apart.
pub mod kind {
    pub struct One;
    pub struct Batch;
    pub struct Plain;
    pub struct ThenOne;
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

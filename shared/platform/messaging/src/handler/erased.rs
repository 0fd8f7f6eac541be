//! Type-erased handlers, so that the consumer is compiled once and not per handler.

use std::any::Any;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::layer::Phase;
use super::{BatchHandler, Handler, PlainHandler};
use crate::envelope::Delivery;
use crate::spans::MessageSpan;
use crate::{Fault, Message, Tx};

/// A handler of any kind: a part before the transaction, a part in it, or both.
pub struct Erased {
    plain: Option<Box<dyn ErasedPlain>>,
    work: Option<Box<dyn Work>>,
}

/// The output of the part before the transaction.
pub(crate) type Prepared = Option<Arc<dyn Any + Send + Sync>>;

/// The input of a handler: a message, the output of the part before it, and its span.
#[derive(Clone)]
pub(crate) struct Input {
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) prepared: Prepared,
    pub(crate) span: MessageSpan,
}

/// A [`PlainHandler`] of any message and output.
trait ErasedPlain: Send + Sync {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Prepared, Fault>>;
}

/// A [`Handler`] or [`BatchHandler`] of any message.
pub(super) trait Work: Send + Sync {
    /// Handles messages that share a transaction, each with its own span.
    fn handle<'a>(
        &'a self,
        tx: &'a mut Tx,
        batch: Vec<&'a Input>,
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

/// The function that gets a handler's message out of its input.
type Read<M> = fn(&Input) -> Result<M, Fault>;

/// Handles each message of a batch by itself.
pub(super) struct Each<H: Handler> {
    pub(super) handler: H,
    pub(super) read: Read<H::Message>,
}

/// Handles the messages of a batch together.
pub(super) struct Batch<H: BatchHandler> {
    pub(super) handler: H,
    pub(super) read: Read<H::Message>,
}

impl Erased {
    pub(super) fn plain<P: PlainHandler>(handler: P) -> Erased {
        Erased {
            plain: Some(Box::new(handler)),
            work: None,
        }
    }

    pub(super) fn in_transaction(work: impl Work + 'static) -> Erased {
        Erased {
            plain: None,
            work: Some(Box::new(work)),
        }
    }

    pub(super) fn after<P: PlainHandler>(self, before: P) -> Erased {
        Erased {
            plain: Some(Box::new(before)),
            ..self
        }
    }

    /// The phase of the part outside of the transaction, if there is one.
    pub(crate) fn phase_outside(&self) -> Option<Phase> {
        let phase = match self.work {
            Some(_) => Phase::Before,
            None => Phase::Handle,
        };
        self.plain.as_ref().map(|_| phase)
    }

    /// Whether there is a part in a transaction.
    pub(crate) fn transacts(&self) -> bool {
        self.work.is_some()
    }

    /// Handles one message outside of transactions.
    pub(crate) async fn prepare(&self, input: &Input) -> Result<Prepared, Fault> {
        match &self.plain {
            Some(plain) => input.span.within(plain.handle(&input.delivery)).await,
            None => Ok(None),
        }
    }

    /// Handles messages in a shared transaction.
    pub(crate) async fn transact<'a>(
        &'a self,
        tx: &'a mut Tx,
        batch: Vec<&'a Input>,
    ) -> Result<(), Fault> {
        match &self.work {
            Some(work) if !batch.is_empty() => work.handle(tx, batch).await,
            _ => Ok(()),
        }
    }
}

impl<P: PlainHandler> ErasedPlain for P {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Prepared, Fault>> {
        let handling = async {
            let output = PlainHandler::handle(self, parse(delivery)?).await?;
            Ok(Some(Arc::new(output) as Arc<_>))
        };
        handling.boxed()
    }
}

impl<H: Handler> Work for Each<H> {
    fn handle<'a>(
        &'a self,
        tx: &'a mut Tx,
        batch: Vec<&'a Input>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let handling = async move {
            for input in batch {
                let message = (self.read)(input)?;
                tx.continue_trace(input.span.trace);
                let handling = self.handler.handle(tx, message);
                input.span.within(handling).await?;
            }
            Ok(())
        };
        handling.boxed()
    }
}

impl<H: BatchHandler> Work for Batch<H> {
    fn handle<'a>(
        &'a self,
        tx: &'a mut Tx,
        batch: Vec<&'a Input>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let handling = async move {
            let messages = batch.iter().map(|input| (self.read)(input));
            let messages = messages.collect::<Result<Vec<_>, _>>()?;
            let mut state = self.handler.load(tx, &messages).await?;
            for (message, input) in messages.into_iter().zip(batch) {
                let decide = || self.handler.decide(&mut state, message);
                if let Some(event) = input.span.span.in_scope(decide)? {
                    tx.continue_trace(input.span.trace);
                    tx.push(&event)?;
                }
            }
            self.handler.save(tx, state).await
        };
        handling.boxed()
    }
}

/// Reads the message of a handler that is called first.
pub(super) fn decode<M: Message>(input: &Input) -> Result<M, Fault> {
    parse(&input.delivery)
}

/// Reads the message of a handler that is called after a [`PlainHandler`]: the output of that one.
pub(super) fn output<M: Clone + 'static>(input: &Input) -> Result<M, Fault> {
    let output = input.prepared.as_ref();
    let output = output.and_then(|output| output.downcast_ref::<M>());
    Ok(output.expect("the handler before returned it").clone())
}

/// Reads a message. An unreadable one is rejected, because a retry would not help.
fn parse<M: Message>(delivery: &Delivery) -> Result<M, Fault> {
    if let Some(kind) = delivery.kind.as_deref().filter(|kind| *kind != M::KIND) {
        return Err(Fault::reject(format!(
            "a message of kind `{kind}`, expected `{}`",
            M::KIND
        )));
    }
    strict_json::from_str(&delivery.body)
        .map_err(|error| Fault::reject(format!("not a `{}`: {error}", M::KIND)))
}

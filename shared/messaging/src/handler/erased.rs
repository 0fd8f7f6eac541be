//! Handlers without their own types, so that the consumer is compiled once and not per handler.

use std::any::Any;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::layer::Phase;
use super::{BatchHandler, Handler, PlainHandler};
use crate::spans::Step;
use crate::transport::Delivery;
use crate::{Fault, Message, Tx};

/// A handler of whatever kind: a part before the transaction, a part in it, or both.
pub struct Erased {
    plain: Option<Box<dyn ErasedPlain>>,
    work: Option<Box<dyn Work>>,
}

/// What the part before the transaction returned.
pub(crate) type Prepared = Option<Arc<dyn Any + Send + Sync>>;

/// A message that is ready for its transaction.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) prepared: Prepared,
}

/// A [`PlainHandler`] of any message and output.
trait ErasedPlain: Send + Sync {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Prepared, Fault>>;
}

/// A [`Handler`] or [`BatchHandler`] of any message.
pub(super) trait Work: Send + Sync {
    /// Handles messages that share a transaction, each with its own step of its trace.
    fn handle<'a>(
        &'a self,
        tx: &'a mut Tx,
        batch: Vec<(&'a Ready, &'a Step)>,
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

/// How a handler comes by its message.
type Read<M> = fn(&Ready) -> Result<M, Fault>;

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

    /// Which part of the handler is called outside of the transaction, if any.
    pub(crate) fn prepares(&self) -> Option<Phase> {
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

    /// Handles one message outside of every transaction.
    pub(crate) async fn prepare(
        &self,
        delivery: &Delivery,
        step: &Step,
    ) -> Result<Prepared, Fault> {
        match &self.plain {
            Some(plain) => step.within(plain.handle(delivery)).await,
            None => Ok(None),
        }
    }

    /// Handles messages in a transaction that they share.
    pub(crate) async fn transact<'a>(
        &'a self,
        tx: &'a mut Tx,
        batch: Vec<(&'a Ready, &'a Step)>,
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
        batch: Vec<(&'a Ready, &'a Step)>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let handling = async move {
            for (ready, step) in batch {
                let message = (self.read)(ready)?;
                tx.continue_trace(step.trace);
                step.within(self.handler.handle(tx, message)).await?;
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
        batch: Vec<(&'a Ready, &'a Step)>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let handling = async move {
            let messages = batch.iter().map(|(ready, _)| (self.read)(ready));
            let messages = messages.collect::<Result<Vec<_>, _>>()?;
            let mut state = self.handler.load(tx, &messages).await?;
            for (message, (_, step)) in messages.into_iter().zip(batch) {
                let decide = || self.handler.decide(&mut state, message);
                if let Some(event) = step.span.in_scope(decide)? {
                    tx.continue_trace(step.trace);
                    tx.push(&event)?;
                }
            }
            self.handler.save(tx, state).await
        };
        handling.boxed()
    }
}

/// The message of a handler that is called first.
pub(super) fn decode<M: Message>(ready: &Ready) -> Result<M, Fault> {
    parse(&ready.delivery)
}

/// The message of a handler that is called after a [`PlainHandler`]: what that one returned.
pub(super) fn output<M: Clone + 'static>(ready: &Ready) -> Result<M, Fault> {
    let output = ready.prepared.as_ref();
    let output = output.and_then(|output| output.downcast_ref::<M>());
    Ok(output.expect("the handler before returned it").clone())
}

/// A message that cannot be read will not be readable the next time: it is rejected.
fn parse<M: Message>(delivery: &Delivery) -> Result<M, Fault> {
    if let Some(kind) = delivery.kind.as_deref().filter(|kind| *kind != M::KIND) {
        return Err(Fault::reject(format!(
            "a message of kind `{kind}`, expected `{}`",
            M::KIND
        )));
    }
    serde_json::from_str(&delivery.body)
        .map_err(|error| Fault::reject(format!("not a `{}`: {error}", M::KIND)))
}

//! What the consumer asks of a handler, whatever its kind.

use std::any::Any;
use std::future::ready;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgConnection;

use crate::connections::Connections;
use crate::handler::{BatchHandler, PlainHandler, TwoPhaseBatchHandler};
use crate::layer::Phase;
use crate::outbox::Mark;
use crate::relay::Source;
use crate::spans::Step;
use crate::transport::Delivery;
use crate::{Fault, Message, Relay, inbox, outbox, telemetry, trace};

/// A handler with everything around it. Its own types end here, so that the consumer is compiled
/// once and not for each handler.
pub(crate) trait Process: Send + Sync {
    /// Which part of the handler [`Process::prepare`] calls, if any.
    fn prepares(&self) -> Option<Phase>;

    /// Whether there is anything left to do after [`Process::prepare`].
    fn finishes(&self) -> bool;

    /// One message, concurrently with others.
    fn prepare<'a>(
        &'a self,
        delivery: &'a Delivery,
        step: &'a Step,
    ) -> BoxFuture<'a, Result<Outside, Fault>>;

    /// Messages that succeed or fail together, and a step of its own trace for each.
    fn finish<'a>(
        &'a self,
        queue: &'a str,
        batch: &'a [Ready],
        steps: &'a [Step],
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

/// What [`Process::prepare`] found out, if anything, for [`Process::finish`] of the same handler.
pub(crate) type Outside = Option<Arc<dyn Any + Send + Sync>>;

/// A message whose first phase is over.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) outside: Outside,
}

/// Work in a transaction, and what the transaction needs.
pub(crate) struct Transactional {
    pub(crate) work: Box<dyn Work>,
    pub(crate) db: Connections,
    pub(crate) relay: Relay,
}

/// A [`BatchHandler`].
pub(crate) struct OnePhase<H>(pub(crate) H);

/// A [`TwoPhaseBatchHandler`].
pub(crate) struct TwoPhases<H>(pub(crate) H);

/// A [`PlainHandler`].
pub(crate) struct Plain<H>(pub(crate) H);

/// What the two kinds of handler with a transaction have in common.
pub(crate) trait Work: Send + Sync {
    /// Whether there is a phase before the transaction.
    fn prepares(&self) -> Option<Phase>;

    fn before<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Outside, Fault>>;

    fn handle<'a>(
        &'a self,
        tx: &'a mut PgConnection,
        batch: Vec<&'a Ready>,
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

impl<H: BatchHandler> Work for OnePhase<H> {
    fn prepares(&self) -> Option<Phase> {
        None
    }

    fn before<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<Outside, Fault>> {
        ready(Ok(None)).boxed()
    }

    fn handle<'a>(
        &'a self,
        tx: &'a mut PgConnection,
        batch: Vec<&'a Ready>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let messages = batch.into_iter().map(|ready| decode(&ready.delivery));
        match messages.collect() {
            Ok(messages) => self.0.handle_batch(tx, messages).boxed(),
            Err(fault) => ready(Err(fault)).boxed(),
        }
    }
}

impl<H: TwoPhaseBatchHandler> Work for TwoPhases<H> {
    fn prepares(&self) -> Option<Phase> {
        Some(Phase::Before)
    }

    fn before<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<Outside, Fault>> {
        let before = async {
            let outside = self.0.before(&decode(delivery)?).await?;
            Ok(Some(Arc::new(outside) as Arc<_>))
        };
        before.boxed()
    }

    fn handle<'a>(
        &'a self,
        tx: &'a mut PgConnection,
        batch: Vec<&'a Ready>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let messages = batch.into_iter().map(|ready| {
            let outside = ready
                .outside
                .as_ref()
                .and_then(|found| found.downcast_ref());
            let outside: &H::Outside = outside.expect("the first phase of this handler found it");
            Ok((decode(&ready.delivery)?, outside.clone()))
        });
        match messages.collect() {
            Ok(messages) => self.0.handle_batch(tx, messages).boxed(),
            Err(fault) => ready(Err(fault)).boxed(),
        }
    }
}

impl Process for Transactional {
    fn prepares(&self) -> Option<Phase> {
        self.work.prepares()
    }

    fn finishes(&self) -> bool {
        true
    }

    fn prepare<'a>(
        &'a self,
        delivery: &'a Delivery,
        step: &'a Step,
    ) -> BoxFuture<'a, Result<Outside, Fault>> {
        trace::within(step, self.work.before(delivery)).boxed()
    }

    fn finish<'a>(
        &'a self,
        queue: &'a str,
        batch: &'a [Ready],
        steps: &'a [Step],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        self.transact(queue, batch, steps).boxed()
    }
}

impl Transactional {
    /// One transaction: inbox, work, outbox.
    async fn transact(&self, queue: &str, batch: &[Ready], steps: &[Step]) -> Result<(), Fault> {
        let mut tx = self.db.take().await?.begin().await?;
        let ids: Vec<_> = batch.iter().map(|ready| ready.delivery.id).collect();
        let mut unseen = inbox::insert(&mut tx, queue, &ids).await?;

        // Taken out of the unseen, since the same message may be in the batch twice.
        let pairs = batch.iter().zip(steps.iter().cloned());
        let (new, traces): (Vec<_>, Vec<_>) = pairs
            .filter(|(ready, _)| unseen.remove(&ready.delivery.id))
            .unzip();
        let duplicates = batch.len() - new.len();
        let (mark, connection_of_tx) = (Mark::now(), outbox::address(&tx));
        let work = trace::batch(traces, self.work.handle(&mut tx, new));
        let (done, pushed) = outbox::collect(connection_of_tx, work).await;
        done?;

        let pushed = outbox::insert(&mut tx, pushed, outbox::LEASE).await?;
        self.db.keep(tx.commit_and_keep().await?);
        self.relay.hand_over(pushed, Source::Handler);
        if mark.is_passed() {
            self.relay.wake();
        }
        telemetry::duplicates(queue, duplicates);
        Ok(())
    }
}

impl<H: PlainHandler> Process for Plain<H> {
    fn prepares(&self) -> Option<Phase> {
        Some(Phase::Handle)
    }

    fn finishes(&self) -> bool {
        false
    }

    fn prepare<'a>(
        &'a self,
        delivery: &'a Delivery,
        step: &'a Step,
    ) -> BoxFuture<'a, Result<Outside, Fault>> {
        let handled = async {
            self.0.handle(decode(delivery)?).await?;
            Ok(None)
        };
        trace::within(step, handled).boxed()
    }

    fn finish<'a>(
        &'a self,
        _: &'a str,
        _: &'a [Ready],
        _: &'a [Step],
    ) -> BoxFuture<'a, Result<(), Fault>> {
        ready(Ok(())).boxed()
    }
}

/// A message that nobody can read is no better the next time.
fn decode<M: Message>(delivery: &Delivery) -> Result<M, Fault> {
    if let Some(kind) = delivery.kind.as_deref().filter(|kind| *kind != M::KIND) {
        return Err(Fault::reject(format!(
            "a message of kind `{kind}`, expected `{}`",
            M::KIND
        )));
    }
    strict_json::from_str(&delivery.body)
        .map_err(|error| Fault::reject(format!("not a `{}`: {error}", M::KIND)))
}

//! What the consumer asks of a handler, whatever its kind.

use std::sync::Arc;

use sqlx::{Connection as _, PgConnection};

use crate::connections::Connections;
use crate::handler::{Handler, PlainHandler, TwoPhaseHandler};
use crate::layer::Phase;
use crate::relay::Source;
use crate::spans::Step;
use crate::transport::Delivery;
use crate::{Fault, Message, Relay, inbox, outbox, telemetry, trace};

/// A handler with everything around it.
pub(crate) trait Process: Send + Sync + 'static {
    /// What [`Process::prepare`] finds out.
    type Outside: Clone + Send + Sync + 'static;
    /// Which part of the handler [`Process::prepare`] calls, if any.
    const PREPARES: Option<Phase>;
    /// Whether there is anything left to do after [`Process::prepare`].
    const FINISHES: bool;

    /// One message, concurrently with others.
    fn prepare(
        &self,
        delivery: &Delivery,
        step: &Step,
    ) -> impl Future<Output = Result<Self::Outside, Fault>> + Send;

    /// Messages that succeed or fail together, and a step of its own trace for each.
    fn finish(
        &self,
        queue: &str,
        batch: &[Ready<Self::Outside>],
        steps: &[Step],
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A message whose first phase is over.
#[derive(Clone)]
pub(crate) struct Ready<O> {
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) outside: O,
}

/// Work in a transaction, and what the transaction needs.
pub(crate) struct Transactional<W> {
    pub(crate) work: W,
    pub(crate) db: Connections,
    pub(crate) relay: Relay,
}

/// A [`Handler`].
pub(crate) struct OnePhase<H>(pub(crate) H);

/// A [`TwoPhaseHandler`].
pub(crate) struct TwoPhases<H>(pub(crate) H);

/// A [`PlainHandler`].
pub(crate) struct Plain<H>(pub(crate) H);

/// What the two kinds of handler with a transaction have in common.
pub(crate) trait Work: Send + Sync + 'static {
    type Message: Message;
    type Outside: Clone + Send + Sync + 'static;
    /// Whether there is a phase before the transaction.
    const PREPARES: Option<Phase>;

    fn before(
        &self,
        delivery: &Delivery,
    ) -> impl Future<Output = Result<Self::Outside, Fault>> + Send;

    fn handle(
        &self,
        tx: &mut PgConnection,
        messages: Vec<(Self::Message, Self::Outside)>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

impl<H: Handler> Work for OnePhase<H> {
    type Message = H::Message;
    type Outside = ();
    const PREPARES: Option<Phase> = None;

    async fn before(&self, _: &Delivery) -> Result<(), Fault> {
        Ok(())
    }

    async fn handle(
        &self,
        tx: &mut PgConnection,
        messages: Vec<(H::Message, ())>,
    ) -> Result<(), Fault> {
        let messages = messages.into_iter().map(|(message, ())| message);
        self.0.handle_batch(tx, messages.collect()).await
    }
}

impl<H: TwoPhaseHandler> Work for TwoPhases<H> {
    type Message = H::Message;
    type Outside = H::Outside;
    const PREPARES: Option<Phase> = Some(Phase::Before);

    async fn before(&self, delivery: &Delivery) -> Result<H::Outside, Fault> {
        self.0.before(&decode(delivery)?).await
    }

    async fn handle(
        &self,
        tx: &mut PgConnection,
        messages: Vec<(H::Message, H::Outside)>,
    ) -> Result<(), Fault> {
        self.0.handle_batch(tx, messages).await
    }
}

impl<W: Work> Process for Transactional<W> {
    type Outside = W::Outside;
    const PREPARES: Option<Phase> = W::PREPARES;
    const FINISHES: bool = true;

    async fn prepare(&self, delivery: &Delivery, step: &Step) -> Result<W::Outside, Fault> {
        trace::within(step, self.work.before(delivery)).await
    }

    /// One transaction: inbox, work, outbox.
    async fn finish(
        &self,
        queue: &str,
        batch: &[Ready<W::Outside>],
        steps: &[Step],
    ) -> Result<(), Fault> {
        let mut connection = self.db.take().await?;
        let mut tx = connection.begin().await?;
        let ids: Vec<_> = batch.iter().map(|ready| ready.delivery.id).collect();
        let mut new = inbox::insert(&mut tx, queue, &ids).await?;

        let mut messages = Vec::with_capacity(new.len());
        let mut traces = Vec::with_capacity(new.len());
        for (ready, step) in batch.iter().zip(steps) {
            // Taken out, since the same message may be in the batch twice.
            if new.remove(&ready.delivery.id) {
                messages.push((decode(&ready.delivery)?, ready.outside.clone()));
                traces.push(step.clone());
            }
        }
        let duplicates = batch.len() - messages.len();
        let work = self.work.handle(&mut tx, messages);
        let (done, pushed) = outbox::collect(trace::batch(traces, work)).await;
        done?;

        let pushed = outbox::insert(&mut tx, pushed, outbox::LEASE).await?;
        tx.commit().await?;
        self.db.keep(connection);
        self.relay.hand_over(pushed, Source::Handler);
        telemetry::duplicates(queue, duplicates);
        Ok(())
    }
}

impl<H: PlainHandler> Process for Plain<H> {
    type Outside = ();
    const PREPARES: Option<Phase> = Some(Phase::Handle);
    const FINISHES: bool = false;

    async fn prepare(&self, delivery: &Delivery, step: &Step) -> Result<(), Fault> {
        trace::within(step, self.0.handle(decode(delivery)?)).await
    }

    async fn finish(&self, _: &str, _: &[Ready<()>], _: &[Step]) -> Result<(), Fault> {
        Ok(())
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
    serde_json::from_str(&delivery.body)
        .map_err(|error| Fault::reject(format!("not a `{}`: {error}", M::KIND)))
}

//! The call of the handler: through its layers, with a span per message, and with guards against
//! panics, lost leases and the shutdown timeout.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::time::timeout;
use tower_service::Service as _;

use super::in_flight::{InFlight, Outcome};
use super::lease::Leases;
use super::stop::Stop;
use super::transaction::Transactions;
use crate::handler::layer::{HandlerCall, HandlerService, Phase};
use crate::handler::{Erased, Input, Prepared};
use crate::spans::{self, MessageSpan};
use crate::{Fault, telemetry};

/// How long the transaction of a batch may take: 10 s. After that each message is handled by
/// itself, because one of them may be stuck.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls the handler of one queue.
pub(super) struct Caller {
    pub(super) queue: Arc<str>,
    pub(super) handler: Arc<Erased>,
    pub(super) layers: HandlerService,
    /// `None` for a handler without a database.
    pub(super) transactions: Option<Arc<Transactions>>,
    pub(super) leases: Arc<Leases>,
    pub(super) stop: Stop,
}

impl Caller {
    /// Handles one message outside of transactions.
    pub(super) async fn prepare(&self, message: &InFlight) -> Result<Prepared, Outcome> {
        let Some(phase) = self.handler.phase_outside() else {
            return Ok(None);
        };
        let since = Instant::now();
        let operation = match phase {
            Phase::Before => "prepare",
            Phase::Handle => "process",
        };
        let span = MessageSpan::new(operation, &self.queue, &message.delivery);
        let input = Input {
            delivery: message.delivery.clone(),
            prepared: None,
            span: span.clone(),
        };
        let prepared = if self.layers.is_bare() {
            let call = self.handler.prepare(&input);
            self.guard(std::slice::from_ref(message), call).await
        } else {
            let call = self.prepare_in_layers(phase, input);
            self.guard(std::slice::from_ref(message), call).await
        };
        if let Err(outcome) = &prepared {
            fail(&span, outcome);
        }
        if phase == Phase::Handle {
            telemetry::worked(&self.queue, since.elapsed());
        }
        prepared
    }

    /// Handles messages in one transaction: all of them succeed, or none does.
    pub(super) async fn transact(&self, messages: &[InFlight]) -> Result<(), Outcome> {
        let Some(transactions) = &self.transactions else {
            return Ok(());
        };
        let since = Instant::now();
        let inputs = messages.iter().map(|message| Input {
            delivery: message.delivery.clone(),
            prepared: message.prepared.clone(),
            span: MessageSpan::new("process", &self.queue, &message.delivery),
        });
        let batch: Arc<[Input]> = inputs.collect();
        let work = async {
            let transacting = async {
                if self.layers.is_bare() {
                    let (queue, handler) = (&self.queue, &self.handler);
                    return transactions.transact(queue, handler, &batch).await;
                }
                self.transact_in_layers(transactions, batch.clone()).await
            };
            if batch.len() == 1 {
                return transacting.await;
            }
            let late = Fault::retry("the shared transaction took too long");
            timeout(BATCH_TIMEOUT, transacting)
                .await
                .unwrap_or(Err(late))
        };
        let handled = self.guard(messages, work).await;
        if let Err(outcome) = &handled {
            batch.iter().for_each(|input| fail(&input.span, outcome));
        }
        telemetry::worked(&self.queue, since.elapsed());
        handled
    }

    async fn prepare_in_layers(&self, phase: Phase, input: Input) -> Result<Prepared, Fault> {
        let output = Arc::new(OnceLock::new());
        let deliveries = vec![input.delivery.clone()];
        let call = HandlerCall::new(&self.queue, phase, deliveries, {
            let (handler, output) = (self.handler.clone(), output.clone());
            move || async move {
                let prepared = handler.prepare(&input).await?;
                // The cell is empty, because a call runs once.
                let _ = output.set(prepared);
                Ok(())
            }
        });
        self.layers.clone().call(call).await?;
        let output = output.get().cloned();
        output.ok_or_else(|| Fault::retry("a layer answered in place of the handler"))
    }

    async fn transact_in_layers(
        &self,
        transactions: &Arc<Transactions>,
        batch: Arc<[Input]>,
    ) -> Result<(), Fault> {
        let deliveries = batch.iter().map(|input| input.delivery.clone());
        let call = HandlerCall::new(&self.queue, Phase::Handle, deliveries.collect(), {
            let (queue, handler) = (self.queue.clone(), self.handler.clone());
            let transactions = transactions.clone();
            move || async move { transactions.transact(&queue, &handler, &batch).await }
        });
        self.layers.clone().call(call).await
    }

    /// Runs `work` until it ends, one of the leases is lost, or the shutdown timeout is near. A
    /// panic is a retry.
    async fn guard<T>(
        &self,
        messages: &[InFlight],
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Outcome> {
        let leases = messages.iter().map(|message| &*message.lease);
        let work = AssertUnwindSafe(work).catch_unwind();
        tokio::select! {
            biased;
            done = work => match done {
                Ok(Ok(done)) => Ok(done),
                Ok(Err(fault)) => Err(Outcome::Failed(fault)),
                Err(panic) => Err(Outcome::Failed(Fault::retry(message_of(panic)))),
            },
            () = self.leases.lost(leases) => Err(Outcome::LeaseExpired),
            () = self.stop.kill.cancelled() => Err(Outcome::Returned),
        }
    }
}

fn fail(span: &MessageSpan, outcome: &Outcome) {
    if let Some((kind, reason)) = outcome.failure() {
        spans::failed(&span.span, kind, reason);
    }
}

fn message_of(panic: Box<dyn Any + Send>) -> String {
    let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
    format!(
        "the handler panicked: {}",
        message.as_deref().unwrap_or("(no message)")
    )
}

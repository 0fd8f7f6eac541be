//! Having messages handled: the first phase of each by itself, and panics kept to one message.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::time::timeout;
use tower_service::Service as _;

use super::Running;
use super::lease::Lease;
use super::outcome::{InFlight, Outcome};
use crate::handler::Prepared;
use crate::handler::layer::{HandlerCall, Phase};
use crate::spans::Step;
use crate::transport::Delivery;
use crate::{Fault, telemetry};

/// How long the first of a batch to be ready waits for the others: calls to one third party that
/// began together mostly end within this, and it is little beside such a call.
const TOGETHER: Duration = Duration::from_millis(5);

impl Running {
    /// Starts work on messages that were received together.
    pub(super) fn work(self: &Arc<Self>, messages: Vec<InFlight>) {
        if self.stop.is_cancelled() {
            // They came with a poll that could not be taken back.
            messages
                .into_iter()
                .for_each(|message| self.end(message, Outcome::Released));
        } else if self.is_fifo() {
            self.clone().work_in_order(messages);
        } else {
            let running = self.clone();
            self.working
                .spawn(async move { running.prepare(messages).await });
        }
    }

    /// The first phase of all messages at once. Those that get ready together go on together, into
    /// one transaction, and a slow one holds up no other.
    async fn prepare(self: &Arc<Self>, messages: Vec<InFlight>) {
        let preparing = messages.into_iter().map(|message| async {
            let prepared = self.prepare_one(&message).await;
            (message, prepared)
        });
        let mut preparing: FuturesUnordered<_> = preparing.collect();
        while let Some(first) = preparing.next().await {
            let mut together = vec![];
            let mut take = |(message, prepared)| match prepared {
                Ok(prepared) if self.handler.transacts() => together.push((message, prepared)),
                Ok(_) => self.end(message, Outcome::Done),
                Err(outcome) => self.end(message, outcome),
            };
            take(first);
            let others = async {
                while let Some(next) = preparing.next().await {
                    take(next);
                }
            };
            let _ = timeout(TOGETHER, others).await;
            if !together.is_empty() {
                // The lanes live as long as anything is in flight.
                let _ = self.ready.send(together);
            }
        }
    }

    pub(super) async fn prepare_one(
        self: &Arc<Self>,
        message: &InFlight,
    ) -> Result<Prepared, Outcome> {
        let since = Instant::now();
        let (queue, delivery) = (&*self.spec.name, &message.delivery);
        let step = match self.handler.prepares() {
            Some(Phase::Before) => Step::work("prepare", queue, delivery),
            Some(Phase::Handle) => Step::work("process", queue, delivery),
            None => Step::none(),
        };
        let lease = [&*message.lease].into_iter();
        let prepared = match self.handler.prepares() {
            Some(phase) if !self.layers.is_bare() => {
                self.guard(lease, self.prepare_in_layers(phase, delivery, &step))
                    .await
            }
            _ => {
                self.guard(lease, self.handler.prepare(delivery, &step))
                    .await
            }
        };
        if let Err(outcome) = &prepared {
            step.failed(outcome);
        }
        if !self.handler.transacts() {
            telemetry::worked(queue, since.elapsed());
        }
        prepared
    }

    async fn prepare_in_layers(
        self: &Arc<Self>,
        phase: Phase,
        delivery: &Arc<Delivery>,
        step: &Step,
    ) -> Result<Prepared, Fault> {
        let found = Arc::new(OnceLock::new());
        let attempt = HandlerCall::new(&self.spec.name, phase, vec![delivery.clone()], {
            let (running, found) = (self.clone(), found.clone());
            let (delivery, step) = (delivery.clone(), step.clone());
            move || async move {
                let prepared = running.handler.prepare(&delivery, &step).await?;
                // It is called once.
                let _ = found.set(prepared);
                Ok(())
            }
        });
        self.layers.clone().call(attempt).await?;
        let found = found.get().cloned();
        found.ok_or_else(|| Fault::retry("a layer answered in place of the handler"))
    }

    /// Does `work`, unless it panics, one of the leases is lost, or the time to stop is over.
    pub(super) async fn guard<'a, T>(
        &self,
        leases: impl Iterator<Item = &'a Lease> + Clone,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Outcome> {
        let work = AssertUnwindSafe(work).catch_unwind();
        tokio::select! {
            biased;
            done = work => match done {
                Ok(Ok(done)) => Ok(done),
                Ok(Err(fault)) => Err(Outcome::Failed(fault)),
                Err(panic) => Err(Outcome::Failed(Fault::retry(said(panic)))),
            },
            () = self.leases.lost(leases) => Err(Outcome::Lost),
            () = self.kill.cancelled() => Err(Outcome::Released),
        }
    }
}

fn said(panic: Box<dyn Any + Send>) -> String {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
    format!(
        "the handler panicked: {}",
        said.as_deref().unwrap_or("(no message)")
    )
}

//! Lanes: the transactions of a consumer. What gets ready while one is open shares the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::{StreamExt, stream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use tower_service::Service as _;
use tracing::debug;

use super::Running;
use super::outcome::{InFlight, Outcome};
use crate::handler::layer::{HandlerCall, Phase};
use crate::handler::{Prepared, Ready};
use crate::spans::Step;
use crate::{Fault, telemetry};

/// A shared transaction that takes longer is given up, in case one of its messages is stuck.
const LONGEST_BATCH: Duration = Duration::from_secs(10);
/// Messages of a failed batch that are handled at once, each in a transaction of its own.
const SINGLES: usize = 4;

type Waiting = UnboundedReceiver<Together>;
/// Messages that were received together and got ready together.
type Together = Vec<(InFlight, Prepared)>;

impl Running {
    /// Runs as long as the consumer.
    pub(super) async fn lanes(self: Arc<Self>, waiting: Waiting) {
        let waiting = Mutex::new(waiting);
        join_all((0..self.options.concurrency.max(1)).map(|_| self.lane(&waiting))).await;
    }

    async fn lane(self: &Arc<Self>, waiting: &Mutex<Waiting>) {
        while let Some(mut taken) = self.take(waiting).await {
            while !taken.is_empty() {
                let rest = taken.split_off(taken.len().min(self.options.batch.max(1)));
                self.transact(taken).await;
                taken = rest;
            }
        }
    }

    /// What waits, and is enough for a transaction or all there is.
    async fn take(&self, waiting: &Mutex<Waiting>) -> Option<Together> {
        let mut waiting = waiting.lock().await;
        let mut taken = waiting.recv().await?;
        while taken.len() < self.options.batch
            && let Ok(more) = waiting.try_recv()
        {
            taken.extend(more);
        }
        Some(taken)
    }

    async fn transact(self: &Arc<Self>, taken: Together) {
        let (messages, ready): (Vec<_>, Vec<_>) = taken
            .into_iter()
            .map(|(message, prepared)| {
                let delivery = message.delivery.clone();
                (message, Ready { delivery, prepared })
            })
            .unzip();
        // What was found out before is not asked again; what was not begun goes back.
        let is_begun = self.handler.prepares().is_some();
        if self.kill.is_cancelled() || self.stop.is_cancelled() && !is_begun {
            messages
                .into_iter()
                .for_each(|message| self.end(message, Outcome::Released));
        } else {
            self.finish(messages, ready).await;
        }
    }

    /// All together; or, if that fails, each by itself.
    async fn finish(self: &Arc<Self>, messages: Vec<InFlight>, ready: Vec<Ready>) {
        match self.finish_together(&messages, &ready).await {
            Ok(()) => messages
                .into_iter()
                .for_each(|message| self.end(message, Outcome::Done)),
            Err(outcome) if messages.len() == 1 => {
                messages
                    .into_iter()
                    .for_each(|message| self.end(message, outcome.clone()));
            }
            Err(_) => {
                debug!(
                    queue = &*self.spec.name,
                    "a batch failed: each message by itself"
                );
                // Beside the lane, which one that is stuck would otherwise block.
                let running = self.clone();
                self.working
                    .spawn(async move { running.finish_each(messages, ready).await });
            }
        }
    }

    async fn finish_together(
        self: &Arc<Self>,
        messages: &[InFlight],
        ready: &[Ready],
    ) -> Result<(), Outcome> {
        let since = Instant::now();
        let queue = &*self.spec.name;
        let leases = messages.iter().map(|message| &*message.lease);
        let step = |ready: &Ready| Step::work("process", queue, &ready.delivery);
        let steps: Vec<_> = ready.iter().map(step).collect();
        let work = async {
            let finishing = async {
                match self.layers.is_bare() {
                    true => self.finish_in_transaction(ready, &steps).await,
                    false => self.finish_in_layers(ready, &steps).await,
                }
            };
            if ready.len() == 1 {
                return finishing.await;
            }
            let late = Fault::retry("the shared transaction took too long");
            timeout(LONGEST_BATCH, finishing).await.unwrap_or(Err(late))
        };
        let finished = self.guard(leases, work).await;
        if let Err(outcome) = &finished {
            steps.iter().for_each(|step| step.failed(outcome));
        }
        telemetry::worked(queue, since.elapsed());
        finished
    }

    async fn finish_in_layers(
        self: &Arc<Self>,
        ready: &[Ready],
        steps: &[Step],
    ) -> Result<(), Fault> {
        let deliveries = ready.iter().map(|ready| ready.delivery.clone()).collect();
        let attempt = HandlerCall::new(&self.spec.name, Phase::Handle, deliveries, {
            let (running, ready, steps) = (self.clone(), ready.to_vec(), steps.to_vec());
            move || async move { running.finish_in_transaction(&ready, &steps).await }
        });
        self.layers.clone().call(attempt).await
    }

    async fn finish_in_transaction(&self, ready: &[Ready], steps: &[Step]) -> Result<(), Fault> {
        match &self.transactor {
            Some(transactor) => {
                let queue = &*self.spec.name;
                transactor
                    .transact(queue, &self.handler, ready, steps)
                    .await
            }
            None => Ok(()),
        }
    }

    async fn finish_each(self: &Arc<Self>, messages: Vec<InFlight>, ready: Vec<Ready>) {
        stream::iter(messages.into_iter().zip(ready))
            .for_each_concurrent(SINGLES, |(message, ready)| async move {
                let finished = self.finish_one(&message, ready).await;
                self.end(message, finished.err().unwrap_or(Outcome::Done));
            })
            .await;
    }

    pub(super) async fn finish_one(
        self: &Arc<Self>,
        message: &InFlight,
        ready: Ready,
    ) -> Result<(), Outcome> {
        if message.lease.is_lost() {
            return Err(Outcome::Lost);
        }
        self.finish_together(std::slice::from_ref(message), &[ready])
            .await
    }
}

//! The third stage: the handler's transactions. Messages that arrive during one share the next.

use std::sync::Arc;

use futures::future::join_all;
use futures::{StreamExt, stream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tracing::debug;

use super::call::Caller;
use super::in_flight::{Ended, InFlight, Outcome};
use super::stop::Stop;

/// Maximum concurrent transactions for the single messages of a failed batch.
const SINGLE_CONCURRENCY: usize = 4;

/// The stage that runs transactions.
#[derive(Clone)]
pub(super) struct Transactor {
    pub(super) caller: Arc<Caller>,
    pub(super) stop: Stop,
    /// Maximum concurrent transactions.
    pub(super) concurrency: usize,
    /// Maximum messages per transaction.
    pub(super) batch: usize,
    pub(super) ended: UnboundedSender<Ended>,
}

type Input = Mutex<UnboundedReceiver<Vec<InFlight>>>;

impl Transactor {
    /// Runs as long as the consumer.
    pub(super) async fn run(self, input: UnboundedReceiver<Vec<InFlight>>) {
        let input = Mutex::new(input);
        join_all((0..self.concurrency.max(1)).map(|_| self.transact(&input))).await;
    }

    /// Runs one transaction after the other.
    async fn transact(&self, input: &Input) {
        while let Some(mut taken) = self.take(input).await {
            while !taken.is_empty() {
                let rest = taken.split_off(taken.len().min(self.batch.max(1)));
                self.handle(taken).await;
                taken = rest;
            }
        }
    }

    /// Takes waiting messages: enough for a transaction, or all.
    async fn take(&self, input: &Input) -> Option<Vec<InFlight>> {
        let mut input = input.lock().await;
        let mut taken = input.recv().await?;
        while taken.len() < self.batch
            && let Ok(more) = input.try_recv()
        {
            taken.extend(more);
        }
        Some(taken)
    }

    /// Handles all messages together or, if that fails, each by itself.
    async fn handle(&self, messages: Vec<InFlight>) {
        // Prepared messages are completed during a shutdown, so that their third party is not
        // called again.
        let has_begun = self.caller.handler.phase_outside().is_some();
        if self.stop.kill.is_cancelled() || self.stop.begin.is_cancelled() && !has_begun {
            return self.end_all(messages, Outcome::Returned);
        }
        match self.caller.transact(&messages).await {
            Ok(()) => self.end_all(messages, Outcome::Done),
            Err(outcome) if messages.len() == 1 => self.end_all(messages, outcome),
            Err(_) => {
                let queue = &*self.caller.queue;
                debug!(queue, "a batch failed: handling each message by itself");
                // A separate task, because a stuck message would delay the next batch.
                let transactor = self.clone();
                tokio::spawn(async move { transactor.handle_each(messages).await });
            }
        }
    }

    async fn handle_each(&self, messages: Vec<InFlight>) {
        stream::iter(messages)
            .for_each_concurrent(SINGLE_CONCURRENCY, |message| async move {
                let handled = self.caller.handle_one(&message).await;
                self.end_all(vec![message], Outcome::of(handled));
            })
            .await;
    }

    fn end_all(&self, messages: Vec<InFlight>, outcome: Outcome) {
        for message in messages {
            // The last stage lives as long as anything is in flight.
            let _ = self.ended.send((message, outcome.clone()));
        }
    }
}

impl Caller {
    /// Handles one message in its own transaction.
    pub(super) async fn handle_one(&self, message: &InFlight) -> Result<(), Outcome> {
        if message.lease.is_lost() {
            return Err(Outcome::LeaseExpired);
        }
        self.transact(std::slice::from_ref(message)).await
    }
}

//! The second stage: the handler's part outside of every transaction, for all messages at once.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

use super::Stop;
use super::call::Caller;
use super::in_flight::{Ended, InFlight, Outcome};

/// How long the first message of a batch that is ready waits for the others: calls to one third
/// party that began together mostly end within this, and it is little beside such a call.
const GATHER_WINDOW: Duration = Duration::from_millis(5);

#[derive(Clone)]
pub(super) struct Preparer {
    pub(super) caller: Arc<Caller>,
    pub(super) stop: Stop,
    /// Messages that are ready for a transaction.
    pub(super) ready: UnboundedSender<Vec<InFlight>>,
    pub(super) ended: UnboundedSender<Ended>,
}

impl Preparer {
    /// Runs as long as the consumer.
    pub(super) async fn run(self, mut input: UnboundedReceiver<Vec<InFlight>>) {
        while let Some(messages) = input.recv().await {
            if self.stop.begin.is_cancelled() {
                // They came with a poll that could not be cancelled.
                messages
                    .into_iter()
                    .for_each(|message| self.end(message, Outcome::Returned));
            } else if self.caller.handler.phase_outside().is_none() {
                let _ = self.ready.send(messages);
            } else {
                let preparer = self.clone();
                tokio::spawn(async move { preparer.prepare(messages).await });
            }
        }
    }

    /// Those that get ready together go on together, into one transaction, and a slow one holds up
    /// no other.
    async fn prepare(&self, messages: Vec<InFlight>) {
        let preparing = messages.into_iter().map(|message| async {
            let prepared = self.caller.prepare(&message).await;
            (message, prepared)
        });
        let mut preparing: FuturesUnordered<_> = preparing.collect();
        while let Some(first) = preparing.next().await {
            let mut together = vec![];
            let mut take = |(message, prepared)| match prepared {
                Ok(prepared) if self.caller.handler.transacts() => {
                    together.push(InFlight {
                        prepared,
                        ..message
                    });
                }
                Ok(_) => self.end(message, Outcome::Done),
                Err(outcome) => self.end(message, outcome),
            };
            take(first);
            let others = async {
                while let Some(next) = preparing.next().await {
                    take(next);
                }
            };
            let _ = timeout(GATHER_WINDOW, others).await;
            if !together.is_empty() {
                // The next stage lives as long as anything is in flight.
                let _ = self.ready.send(together);
            }
        }
    }

    fn end(&self, message: InFlight, outcome: Outcome) {
        // The last stage lives as long as anything is in flight.
        let _ = self.ended.send((message, outcome));
    }
}

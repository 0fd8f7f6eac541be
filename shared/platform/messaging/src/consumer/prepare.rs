//! The second stage: the part of the handler outside of transactions, for all messages
//! concurrently.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

use super::call::Caller;
use super::in_flight::{Ended, InFlight, Outcome};
use super::stop::Stop;

/// How long the first prepared message of a batch waits for the others: 5 ms. Calls to a third
/// party that begin together mostly end within this time, and it is short compared with such a
/// call.
const GATHER_WINDOW: Duration = Duration::from_millis(5);

/// The stage that calls third parties.
#[derive(Clone)]
pub(super) struct Preparer {
    pub(super) caller: Arc<Caller>,
    pub(super) stop: Stop,
    /// The output for messages that are ready for a transaction.
    pub(super) ready: UnboundedSender<Vec<InFlight>>,
    pub(super) ended: UnboundedSender<Ended>,
}

impl Preparer {
    /// Runs as long as the consumer.
    pub(super) async fn run(self, mut input: UnboundedReceiver<Vec<InFlight>>) {
        while let Some(messages) = input.recv().await {
            if self.stop.begin.is_cancelled() {
                // They come from a poll that could not be cancelled.
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

    /// Messages that are prepared at the same time go on together, into one transaction. A slow one
    /// does not delay the others.
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

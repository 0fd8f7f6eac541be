//! The second and third stage of FIFO queues: within a group one message after the other. A failed
//! message delays the rest of its group.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::call::Caller;
use super::in_flight::{Ended, InFlight, Outcome};
use super::stop::Stop;

/// The stage that handles groups in order.
#[derive(Clone)]
pub(super) struct InOrder {
    pub(super) caller: Arc<Caller>,
    pub(super) stop: Stop,
    pub(super) ended: UnboundedSender<Ended>,
}

impl InOrder {
    /// Runs as long as the consumer. Groups are handled concurrently, so a failed one does not
    /// delay the others.
    pub(super) async fn run(self, mut input: UnboundedReceiver<Vec<InFlight>>) {
        while let Some(messages) = input.recv().await {
            let mut groups: HashMap<Option<String>, Vec<InFlight>> = HashMap::new();
            for message in messages {
                let group = message.delivery.group.clone();
                groups.entry(group).or_default().push(message);
            }
            for group in groups.into_values() {
                let stage = self.clone();
                tokio::spawn(async move { stage.handle_group(group).await });
            }
        }
    }

    async fn handle_group(&self, group: Vec<InFlight>) {
        let mut group = group.into_iter();
        for mut message in group.by_ref() {
            if self.stop.begin.is_cancelled() {
                self.end(message, Outcome::Returned);
                break;
            }
            let outcome = Outcome::of(self.handle(&mut message).await);
            let failed = !matches!(outcome, Outcome::Done);
            self.end(message, outcome);
            if failed {
                break;
            }
        }
        // The other messages return at once, in order. SQS keeps them behind the failed one, which
        // backs off.
        group.for_each(|message| self.end(message, Outcome::Returned));
    }

    async fn handle(&self, message: &mut InFlight) -> Result<(), Outcome> {
        message.prepared = self.caller.prepare(message).await?;
        if self.caller.handler.transacts() {
            self.caller.handle_one(message).await?;
        }
        Ok(())
    }

    fn end(&self, message: InFlight, outcome: Outcome) {
        // The last stage lives as long as anything is in flight.
        let _ = self.ended.send((message, outcome));
    }
}

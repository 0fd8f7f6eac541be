//! FIFO queues: within a group one after the other, and a failure holds up the rest of it.

use std::collections::HashMap;
use std::sync::Arc;

use super::Running;
use super::outcome::{InFlight, Outcome};
use crate::handler::Ready;

impl Running {
    /// Each group by itself, so that one that fails does not hold up the others.
    pub(super) fn work_in_order(self: Arc<Self>, messages: Vec<InFlight>) {
        let mut groups: HashMap<Option<String>, Vec<InFlight>> = HashMap::new();
        for message in messages {
            groups
                .entry(message.delivery.group.clone())
                .or_default()
                .push(message);
        }
        for group in groups.into_values() {
            let running = self.clone();
            self.working
                .spawn(async move { running.work_on_group(group).await });
        }
    }

    async fn work_on_group(self: &Arc<Self>, group: Vec<InFlight>) {
        let mut group = group.into_iter();
        for message in group.by_ref() {
            if self.stop.is_cancelled() {
                self.end(message, Outcome::Released);
                break;
            }
            let worked = self.work_on_one(&message).await;
            let failed = worked.is_err();
            self.end(message, worked.err().unwrap_or(Outcome::Done));
            if failed {
                break;
            }
        }
        // The tail goes back at once, in its order. SQS keeps it behind the head, which backs off.
        group.for_each(|message| self.end(message, Outcome::Released));
    }

    async fn work_on_one(self: &Arc<Self>, message: &InFlight) -> Result<(), Outcome> {
        let prepared = self.prepare_one(message).await?;
        let delivery = message.delivery.clone();
        match self.handler.transacts() {
            true => self.finish_one(message, Ready { delivery, prepared }).await,
            false => Ok(()),
        }
    }
}

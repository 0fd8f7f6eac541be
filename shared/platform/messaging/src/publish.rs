//! Sending without an outbox.

use std::time::Duration;

use crate::{Error, Health, Message, Transport, outbox, relay, trace};

impl Transport {
    /// Sends a message that belongs to no transaction. It is sent when this returns; if the process
    /// dies before that, it may not be.
    ///
    /// # Errors
    /// When it cannot be written as JSON, a queue does not take it, or it has a delay that only an
    /// outbox can keep: over 15 minutes, or any on a FIFO queue.
    pub async fn publish<M: Message>(&self, message: &M) -> Result<(), Error> {
        self.publish_all(std::slice::from_ref(message)).await
    }

    /// The same for several, in as few calls as it takes. On an error some may have been sent.
    ///
    /// # Errors
    /// When one cannot be written as JSON, a queue does not take it, or its delay needs an outbox.
    pub async fn publish_all<M: Message>(&self, messages: &[M]) -> Result<(), Error> {
        let trace = trace::current();
        let rows = messages
            .iter()
            .map(|message| outbox::rows(message, trace))
            .collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        // Rounded, as some of the delay is over by now.
        if let Some(row) = rows
            .iter()
            .find(|row| row.wait() > Duration::from_millis(1))
        {
            return Err(Error::NeedsOutbox {
                queue: row.outgoing.queue.clone(),
                delay: row.wait(),
            });
        }
        let unsent = relay::send(self, &Health::default(), rows).await;
        match unsent.into_iter().next() {
            None => Ok(()),
            Some(unsent) => Err(Error::Sqs {
                action: "send to",
                queue: unsent.row.outgoing.queue,
                reason: unsent.refused.reason,
            }),
        }
    }
}

//! Publishing without an outbox.

use std::time::Duration;

use crate::{Error, Health, Message, Transport, outbox, relay, trace};

impl Transport {
    /// Sends a message that belongs to no transaction. It is sent when this returns. If the process
    /// dies before that, it may be lost.
    ///
    /// # Errors
    /// When it cannot be serialized as JSON, a queue refuses it, or it has a delay that needs an
    /// outbox: over 15 min, or any on a FIFO queue.
    pub async fn publish<M: Message>(&self, message: &M) -> Result<(), Error> {
        self.publish_all(std::slice::from_ref(message)).await
    }

    /// Sends several messages, in as few calls as possible. On an error some may have been sent.
    ///
    /// # Errors
    /// When one cannot be serialized as JSON, a queue refuses it, or its delay needs an outbox.
    pub async fn publish_all<M: Message>(&self, messages: &[M]) -> Result<(), Error> {
        let trace = trace::current();
        let rows = messages
            .iter()
            .map(|message| outbox::rows(message, trace))
            .collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        // 1 ms of tolerance, because a part of the delay is over by now.
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

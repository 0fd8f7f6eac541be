//! Long polling, and the guards that return messages when their client disconnects.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::message::Delivery;
use crate::shared_queue::{Request, SharedQueue};

/// Receives now, or waits up to `wait` for the first message.
pub(crate) async fn receive(
    queue: &Arc<SharedQueue>,
    request: Request,
    wait: Duration,
) -> Result<HandedOut> {
    let deliveries = match queue.receive_or_wait(request, !wait.is_zero()) {
        Ok(received) => {
            // A FIFO queue at its limit reports no error, as Amazon documents.
            let is_error = received.over_limit && !queue.settings().fifo;
            if is_error && received.deliveries.is_empty() {
                return Err(Error::OverLimit("Too many messages in flight.".into()));
            }
            received.deliveries
        }
        Err(answer) => PendingReceive { queue, answer }.wait(wait).await?,
    };
    Ok(HandedOut {
        queue: queue.clone(),
        deliveries,
    })
}

/// A receive that waits. However it ends, no message stays with a client that is gone.
struct PendingReceive<'a> {
    queue: &'a SharedQueue,
    answer: oneshot::Receiver<Vec<Delivery>>,
}

impl PendingReceive<'_> {
    async fn wait(mut self, wait: Duration) -> Result<Vec<Delivery>> {
        match tokio::time::timeout(wait, &mut self.answer).await {
            Ok(Ok(deliveries)) => Ok(deliveries),
            Ok(Err(_)) => Err(Error::QueueDoesNotExist),
            Err(_) => Ok(self.close()),
        }
    }

    /// Stops waiting, and takes what was handed over at the very last moment.
    fn close(&mut self) -> Vec<Delivery> {
        self.answer.close();
        self.answer.try_recv().unwrap_or_default()
    }
}

impl Drop for PendingReceive<'_> {
    fn drop(&mut self) {
        let unread = self.close();
        if !unread.is_empty() {
            self.queue
                .with(|state, now| state.queue.take_back(now, &unread));
        }
    }
}

/// Messages whose answer is not sent yet. They return to the queue if it never is, as when the
/// client disconnects during an injected latency.
pub(crate) struct HandedOut {
    queue: Arc<SharedQueue>,
    deliveries: Vec<Delivery>,
}

impl HandedOut {
    pub(crate) fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Leaves the messages with the client: the answer is sent.
    pub(crate) fn keep(mut self) {
        self.deliveries.clear();
    }
}

impl Drop for HandedOut {
    fn drop(&mut self) {
        if !self.deliveries.is_empty() {
            self.queue
                .with(|state, now| state.queue.take_back(now, &self.deliveries));
        }
    }
}

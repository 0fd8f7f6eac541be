//! What gives messages back when the client they were for is gone.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Host;
use crate::queue::Delivery;

/// A receive that waits. However it ends, no message stays with a client that is gone.
pub(super) struct PendingReceive<'a> {
    pub(super) host: &'a Host,
    pub(super) answer: oneshot::Receiver<Vec<Delivery>>,
}

impl PendingReceive<'_> {
    /// Stops waiting, and takes what was handed over at the very last moment.
    pub(super) fn close(&mut self) -> Vec<Delivery> {
        self.answer.close();
        self.answer.try_recv().unwrap_or_default()
    }
}

impl Drop for PendingReceive<'_> {
    fn drop(&mut self) {
        let unread = self.close();
        if !unread.is_empty() {
            self.host
                .with(|state, now| state.queue.take_back(now, &unread));
        }
    }
}

/// Messages whose answer has not left yet. If it never does, as when the client leaves during an
/// injected latency, they go back as well.
pub(crate) struct HandedOut {
    host: Arc<Host>,
    deliveries: Vec<Delivery>,
}

impl HandedOut {
    pub(crate) fn new(host: &Arc<Host>, deliveries: Vec<Delivery>) -> HandedOut {
        HandedOut {
            host: host.clone(),
            deliveries,
        }
    }

    pub(crate) fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// They are the client's now.
    pub(crate) fn keep(mut self) {
        self.deliveries.clear();
    }
}

impl Drop for HandedOut {
    fn drop(&mut self) {
        if !self.deliveries.is_empty() {
            self.host
                .with(|state, now| state.queue.take_back(now, &self.deliveries));
        }
    }
}

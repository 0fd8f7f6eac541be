//! Moving a message that will never be handled to the dead letters.

use tracing::error;

use super::acknowledge::{Acknowledger, Return};
use super::in_flight::InFlight;
use crate::transport::{Death, Outgoing};

impl Acknowledger {
    /// Sends the message to the dead letters with the reason, and only then deletes it.
    pub(super) async fn move_to_dlq(&self, message: InFlight, reason: String) {
        let queue = &self.queue;
        let (name, delivery) = (&*queue.spec.name, &message.delivery);
        if message.lease.is_over() {
            // Another may have it, and succeed.
            return self.counters.lost(1);
        }
        let death = Death::new(&reason, name);
        let dead = Outgoing::moved(delivery, queue.spec.dead_letters(), Some(death));
        let sent = queue
            .transport
            .send(&dead.queue, std::slice::from_ref(&dead))
            .await
            .pop();
        if let Some(Ok(())) = sent {
            self.delete_all(vec![message]).await;
            self.counters.rejected(1);
        } else {
            let id = delivery.id;
            error!(queue = name, %id, ?sent, "cannot move the message to the dead letters");
            let again = Return {
                after: self.options.backoff.delay(delivery.receive_count),
                is_retry: true,
            };
            self.return_all(vec![(message, again)]).await;
        }
    }
}

//! The move of a rejected message to the dead letters.

use tokio::time::sleep;
use tracing::{error, warn};

use super::acknowledge::{ATTEMPTS, Acknowledger, PAUSE, Return};
use super::in_flight::InFlight;
use crate::envelope::{DeadLetterReason, Outgoing};
use crate::transport::Refused;

impl Acknowledger {
    /// Sends the message to the dead letters with the reason, and only then deletes it.
    pub(super) async fn move_to_dlq(&self, message: InFlight, reason: String) {
        let queue = &*self.queue.spec.name;
        match self.send_to_dead_letters(&message, &reason).await {
            Some(Ok(())) => {
                self.delete_all(vec![message]).await;
                self.counters.rejected(1);
            }
            Some(Err(Refused { reason, .. })) => {
                let id = message.delivery.id;
                error!(queue, %id, reason, "cannot move the message to the dead letters: it stays");
                let again = Return {
                    after: self.options.backoff.delay(message.delivery.receive_count),
                    is_retry: true,
                };
                self.return_all(vec![(message, again)]).await;
            }
            // Another process may have it, and succeed.
            None => self.counters.lost(1),
        }
    }

    /// Sends the message to the dead letters, with as many attempts as a delete, because otherwise
    /// it is handled again. Returns `None` if the lease has expired.
    async fn send_to_dead_letters(
        &self,
        message: &InFlight,
        reason: &str,
    ) -> Option<Result<(), Refused>> {
        let (queue, delivery) = (&self.queue, &message.delivery);
        let reason_attributes = DeadLetterReason::new(reason, &queue.spec.name);
        let mut dead =
            Outgoing::moved(delivery, queue.spec.dead_letters(), Some(reason_attributes));
        let mut attempt = 1;
        loop {
            if message.lease.is_over() {
                return None;
            }
            if dead.dead.is_some() && !dead.has_room_for_reason() {
                warn!(dead.queue, id = %delivery.id, reason, "the dead letter has no room");
                dead.dead = None;
            }
            let letter = std::slice::from_ref(&dead);
            match queue.transport.send(&dead.queue, letter).await.pop()? {
                // The queue accepts less than SQS does. It had room for the original message.
                Err(refused) if refused.is_final && dead.dead.is_some() => dead.strip(),
                Err(refused) if !refused.is_final && attempt < ATTEMPTS => {
                    sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                result => return Some(result),
            }
        }
    }
}

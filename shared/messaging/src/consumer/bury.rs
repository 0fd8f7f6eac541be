//! Burying: a message that will never be handled goes to the dead letters.

use std::sync::atomic::Ordering;

use tokio::time::sleep;
use tracing::{error, warn};

use super::Running;
use super::outcome::InFlight;
use super::settle::{ATTEMPTS, Back, PAUSE};
use crate::telemetry;
use crate::transport::{Death, Outgoing, Refused};

impl Running {
    /// To the dead letters with the reason, and only then out of the queue.
    pub(super) async fn bury(&self, message: InFlight, reason: String) {
        let queue = &*self.spec.name;
        match self.send_to_dead_letters(&message, &reason).await {
            Some(Ok(())) => {
                self.delete_all(vec![message]).await;
                self.tally.rejected.fetch_add(1, Ordering::Relaxed);
                telemetry::ended(queue, "rejected", 1);
            }
            Some(Err(Refused { reason, .. })) => {
                let id = message.delivery.id;
                error!(queue, %id, reason, "cannot bury the message; it stays");
                let time = self.limits.backoff.delay(message.delivery.receive_count);
                self.hide(vec![(message, time, Back::Retried)]).await;
            }
            // Another may have it, and succeed.
            None => self.lost(1),
        }
    }

    /// Tries it as often as a delete, since the alternative is to handle the message once more.
    /// `None` when the message is not ours any more.
    async fn send_to_dead_letters(
        &self,
        message: &InFlight,
        reason: &str,
    ) -> Option<Result<(), Refused>> {
        let delivery = &message.delivery;
        let death = Death::new(reason, &self.spec.name);
        let mut dead = Outgoing::moved(delivery, self.spec.dead_letters(), Some(death));
        let mut attempt = 1;
        loop {
            if message.lease.is_over() {
                return None;
            }
            if dead.dead.is_some() && !dead.tells_its_reason() {
                warn!(dead.queue, id = %delivery.id, reason, "the dead letter has no room for it");
                dead.dead = None;
            }
            let sent = self
                .transport
                .send(&dead.queue, std::slice::from_ref(&dead));
            match sent.await.pop()? {
                // The queue takes less than SQS does. As it came, it has had room before.
                Err(refused) if refused.is_final && dead.dead.is_some() => dead.strip(),
                Err(refused) if !refused.is_final && attempt < ATTEMPTS => {
                    sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                settled => return Some(settled),
            }
        }
    }
}

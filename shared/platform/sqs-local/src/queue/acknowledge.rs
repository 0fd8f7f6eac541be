//! What a receipt handle allows: deleting its message, and hiding it for longer or shorter.

use std::time::Duration;

use super::message::State;
use super::{LONGEST_VISIBILITY, Queue, Receipt, Refusal};
use crate::time::Time;

impl Queue {
    /// Deletes the message for good. Doing it twice is fine, and so is doing it late, unless the
    /// message was received again since: then a standard queue ignores it and a FIFO refuses.
    pub fn delete(&mut self, now: Time, receipt: Receipt) -> Result<(), Refusal> {
        self.advance(now);
        match self.state_of(receipt) {
            Err(refusal @ (Refusal::WrongQueue | Refusal::Expired)) => Err(refusal),
            Err(_) => Ok(()),
            Ok(State::InFlight) => {
                self.remove(receipt.message);
                Ok(())
            }
            Ok(_) if self.settings.fifo => Err(Refusal::Expired),
            Ok(_) => {
                self.remove(receipt.message);
                Ok(())
            }
        }
    }

    /// Deletes the message as [`Queue::delete`] does, but on a standard queue also by a handle
    /// that is older than the latest receive.
    pub fn delete_by_any_receipt(&mut self, now: Time, receipt: Receipt) -> Result<(), Refusal> {
        self.delete(now, self.latest(receipt))
    }

    /// Puts a received message back in line instead of deleting it, as a standard queue may: it
    /// promises "at least once".
    pub fn deliver_again(&mut self, now: Time, receipt: Receipt) -> Result<(), Refusal> {
        self.advance(now);
        if !self.settings.fifo && self.state_of(receipt) == Ok(State::InFlight) {
            self.land(receipt.message);
            return Ok(());
        }
        self.delete(now, receipt)
    }

    /// Counts the visibility timeout afresh from now; zero gives the message back at once. On a
    /// standard queue, nothing happens to a message that is back already.
    pub fn change_visibility(
        &mut self,
        now: Time,
        receipt: Receipt,
        visibility: Duration,
    ) -> Result<(), Refusal> {
        self.advance(now);
        let receipt = self.latest(receipt);
        match self.state_of(receipt)? {
            State::InFlight => {}
            _ if self.settings.fifo => return Err(Refusal::Expired),
            // There is no timeout to change; Amazon was recorded to answer 200.
            _ => return Ok(()),
        }
        let Some(message) = self.messages.get(receipt.message) else {
            return Err(Refusal::Gone);
        };
        if now + visibility > message.leased + LONGEST_VISIBILITY {
            return Err(Refusal::TooLong(visibility));
        }
        if visibility.is_zero() {
            self.land(receipt.message);
        } else {
            self.arm(receipt.message, now + visibility);
        }
        Ok(())
    }
}

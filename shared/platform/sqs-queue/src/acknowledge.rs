//! What a receipt handle allows: deleting its message, and changing its visibility timeout.

use std::time::Duration;

use crate::message::State;
use crate::queue::Queue;
use crate::receipt::{Receipt, Refusal};
use crate::time::Time;

/// The longest a message may stay invisible after one receive (an Amazon quota).
pub const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

impl<P> Queue<P> {
    /// Deletes the message. Deleting twice succeeds, and so does deleting after the visibility
    /// timeout, unless the message was received again since: then a standard queue ignores the
    /// call and a FIFO queue refuses it.
    ///
    /// # Errors
    /// The receipt is of another queue or, on a FIFO queue, expired.
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
    ///
    /// # Errors
    /// As [`Queue::delete`].
    pub fn delete_by_any_receipt(&mut self, now: Time, receipt: Receipt) -> Result<(), Refusal> {
        self.delete(now, self.latest(receipt))
    }

    /// Restarts the visibility timeout from now; zero makes the message visible at once. On a
    /// standard queue, a message that is visible already stays as it is.
    ///
    /// # Errors
    /// The receipt is not that of a message in flight, or twelve hours would be exceeded.
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
            // There is no timeout to change. Recordings show that Amazon answers 200.
            _ => return Ok(()),
        }
        let Some(message) = self.messages.get(receipt.message) else {
            return Err(Refusal::Gone);
        };
        if now + visibility > message.received + LONGEST_VISIBILITY {
            return Err(Refusal::TooLong(visibility));
        }
        if visibility.is_zero() {
            self.make_visible(receipt.message);
        } else {
            self.set_timer(receipt.message, now + visibility);
        }
        Ok(())
    }
}

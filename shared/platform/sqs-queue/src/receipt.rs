//! Receipt handles: the right to delete a message or to extend its visibility timeout.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::display::Base64Display;
use base64::prelude::BASE64_STANDARD;

use crate::message::Sequence;

/// Names one *receive* of one message, so every receive has its own handle. Clients see 32 opaque
/// characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The queue that issued it; no other queue accepts it.
    pub queue: u64,
    pub message: Sequence,
    /// The number of the receive, counted over the life of the queue.
    pub receive: u64,
}

/// Why a queue rejects a receipt handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another queue issued it, or no queue did.
    WrongQueue,
    /// On a FIFO queue: its visibility timeout is over.
    Expired,
    /// The message is deleted, or was received again since.
    Gone,
    /// The message would be invisible for more than twelve hours after its receive.
    TooLong(Duration),
}

impl Receipt {
    /// `None` if the text is not a receipt handle of any queue.
    pub fn parse(handle: &str) -> Option<Receipt> {
        let mut bytes = [0; 24];
        let length = BASE64_STANDARD.decode_slice(handle, &mut bytes).ok()?;
        if length != bytes.len() {
            return None;
        }
        let words = bytes.as_chunks().0;
        Some(Receipt {
            queue: u64::from_be_bytes(words[0]),
            message: u64::from_be_bytes(words[1]),
            receive: u64::from_be_bytes(words[2]),
        })
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [self.queue, self.message, self.receive].map(u64::to_be_bytes);
        Base64Display::new(words.as_flattened(), &BASE64_STANDARD).fmt(f)
    }
}

//! Receipt handles: the right to delete a message or to keep it a while longer.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::Sequence;

/// Names one *receive* of one message, so every receive has a handle of its own. Clients see
/// it as 32 opaque characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The queue that gave it: a handle is worth nothing elsewhere.
    pub queue: u64,
    pub message: Sequence,
    /// Which receive of the queue's life this was.
    pub receive: u64,
}

impl Receipt {
    /// `None` when no queue ever gave this handle.
    pub fn parse(handle: &str) -> Option<Receipt> {
        let bytes: [u8; 24] = BASE64_STANDARD.decode(handle).ok()?.try_into().ok()?;
        let word = |i: usize| {
            let word = bytes[8 * i..8 * (i + 1)].try_into().expect("eight bytes");
            u64::from_be_bytes(word)
        };
        Some(Receipt {
            queue: word(0),
            message: word(1),
            receive: word(2),
        })
    }
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; 24];
        for (word, value) in [self.queue, self.message, self.receive]
            .into_iter()
            .enumerate()
        {
            bytes[8 * word..8 * (word + 1)].copy_from_slice(&value.to_be_bytes());
        }
        f.write_str(&BASE64_STANDARD.encode(bytes))
    }
}

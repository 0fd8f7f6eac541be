//! Receipt handles: the right to delete a message or to keep it a while longer.

use std::fmt;

use base64::Engine;
use base64::display::Base64Display;
use base64::prelude::BASE64_STANDARD;
use serde::{Serialize, Serializer};

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

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

//! Text in requests and answers.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Deserialize;

/// A string that is borrowed from its request, unless it has escapes to resolve. A batch has twenty
/// of them, so copies would count.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A FIFO queue's sequence number as Amazon writes it: twenty increasing digits.
pub(super) fn sequence_number(sequence: u64) -> String {
    format!("188{sequence:017}")
}

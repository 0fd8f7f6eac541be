//! What SQS takes: a message that it never would is refused where it is pushed.

use crate::Error;
use crate::envelope::Outgoing;
use crate::quota::BATCH_BYTES;

/// The longest message group id: an SQS quota.
const LONGEST_KEY: usize = 128;

/// # Errors
/// When no queue would take the message.
pub(super) fn check(kind: &'static str, message: &Outgoing) -> Result<(), Error> {
    let unsendable = |reason| Err(Error::Unsendable { kind, reason });
    let bytes = message.size();
    if bytes > BATCH_BYTES {
        return unsendable(format!("it has {bytes} bytes, and SQS takes {BATCH_BYTES}"));
    }
    match &message.ordering_key {
        Some(key) if !is_group(key) => unsendable(format!(
            "the ordering key {key:?} is not 1 to {LONGEST_KEY} letters, digits or signs of ASCII"
        )),
        _ => Ok(()),
    }
}

fn is_group(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.len()) && key.chars().all(|char| char.is_ascii_graphic())
}

/// JSON may hold two characters that SQS refuses, in texts alone, where they can be escaped.
pub(super) fn escaped(json: String) -> String {
    match json.contains(['\u{fffe}', '\u{ffff}']) {
        false => json,
        true => json
            .replace('\u{fffe}', "\\ufffe")
            .replace('\u{ffff}', "\\uffff"),
    }
}

//! The rules of SQS for messages. A push refuses a message that SQS would never accept.

use crate::Error;
use crate::envelope::Outgoing;
use crate::quota::BATCH_BYTES;

/// Maximum characters of a message group id.
/// Source: "Amazon SQS message quotas", SQS developer guide.
const MAX_KEY_LENGTH: usize = 128;

/// Checks size and ordering key.
///
/// # Errors
/// When no queue would accept the message.
pub(super) fn check(kind: &'static str, message: &Outgoing) -> Result<(), Error> {
    let unsendable = |reason| Err(Error::Unsendable { kind, reason });
    let bytes = message.size();
    if bytes > BATCH_BYTES {
        return unsendable(format!(
            "it has {bytes} bytes, and SQS accepts {BATCH_BYTES}"
        ));
    }
    match &message.ordering_key {
        Some(key) if !is_group(key) => unsendable(format!(
            "the ordering key {key:?} is not 1 to {MAX_KEY_LENGTH} visible ASCII characters"
        )),
        _ => Ok(()),
    }
}

fn is_group(key: &str) -> bool {
    (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.chars().all(|char| char.is_ascii_graphic())
}

/// Escapes two characters that SQS refuses. In JSON they only occur in strings, where they can be
/// escaped.
pub(super) fn escaped(json: String) -> String {
    match json.contains(['\u{fffe}', '\u{ffff}']) {
        false => json,
        true => json
            .replace('\u{fffe}', "\\ufffe")
            .replace('\u{ffff}', "\\uffff"),
    }
}

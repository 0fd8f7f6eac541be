//! Rules for parameters that several actions share.

use crate::error::{Error, Result};

/// Amazon's reason for refusing a parameter that only the other queue type has.
pub(super) const NOT_FOR_THIS_TYPE: &str =
    "The request include parameter that is not valid for this queue type.";

pub(super) fn required<T>(value: Option<T>, name: &'static str) -> Result<T> {
    value.ok_or_else(|| Error::missing(name))
}

/// The names of queues, batch entries and permissions: 1 to 80 letters, digits, hyphens and
/// underscores.
pub(super) fn is_name(name: &str) -> bool {
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    (1..=80).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Groups and deduplication ids: 1 to 128 letters, digits and punctuation marks of ASCII.
pub(super) fn check_id(name: &str, id: Option<&str>) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    if (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = format!(
        "{name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(Error::value(name, id, &reason))
}

//! The body of a message as it crosses the wire.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

/// The JSON string exactly as it came in, for the answers that return it, and its text, for the
/// limits and digests. The text is copied only if it has escapes to resolve.
pub(super) struct Body<'a> {
    pub(super) raw: &'a RawValue,
    pub(super) text: Cow<'a, str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Body<'a>, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let inside = raw
            .get()
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let text = match inside {
            Some(inside) if !inside.contains('\\') => Cow::Borrowed(inside),
            _ => Cow::Owned(serde_json::from_str(raw.get()).map_err(D::Error::custom)?),
        };
        Ok(Body { raw, text })
    }
}

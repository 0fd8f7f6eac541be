//! Strings of requests that are not copied.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Deserialize;

/// A string that is borrowed from its request, unless it has escapes to resolve: a batch has
/// twenty of them.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

//! A sentence in both languages of the page.

use serde::Serialize;

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Text {
    pub(crate) en: String,
    pub(crate) ja: String,
}

impl Text {
    pub(crate) fn new(en: impl Into<String>, ja: impl Into<String>) -> Text {
        Text {
            en: en.into(),
            ja: ja.into(),
        }
    }
}

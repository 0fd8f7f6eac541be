//! Ratios that others have published on comparable work.

use serde::Deserialize;

#[derive(Clone, PartialEq, Debug, Deserialize)]
pub(crate) struct Published {
    pub(crate) finding: String,
    pub(crate) work: String,
    pub(crate) source: String,
}

/// # Errors
/// When the data file has another shape.
pub(crate) fn published() -> anyhow::Result<Vec<Published>> {
    Ok(serde_json::from_str(include_str!(
        "../../data/published.json"
    ))?)
}

//! The report on a comparison: one HTML page that needs no other file, the same as Markdown and as
//! a summary for the terminal, and the comparison of two comparisons.
//!
//! It shows what `analysis` says. It judges nothing, reads no file and writes none.

mod charts;
mod diff;
mod format;
mod markdown;
mod page;
mod prices;
mod published;
mod sections;
mod terminal;
#[cfg(test)]
mod tests;

use analysis::model::Results;

pub use diff::diff;
pub use terminal::summary;

/// The report as a page.
///
/// # Errors
/// When a data file in `loadtests/data` has another shape.
pub fn html(results: &Results) -> anyhow::Result<String> {
    Ok(page::page(results)?.into_string())
}

/// The report as Markdown.
///
/// # Errors
/// When a data file in `loadtests/data` has another shape.
pub fn markdown(results: &Results) -> anyhow::Result<String> {
    markdown::markdown(results)
}

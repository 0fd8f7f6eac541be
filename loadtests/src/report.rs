//! The report: one HTML file that needs nothing else, the same as Markdown, and the comparison of
//! two comparisons.

mod charts;
mod diff;
mod evidence;
mod figures;
mod markdown;
mod page;
mod tables;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Deserialize;

use crate::output::{Output, read_results};
use crate::results::Results;

pub use diff::diff;

/// A ratio that others published on comparable work.
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Published {
    finding: String,
    work: String,
    source: String,
}

/// # Errors
/// When the data file was changed into something else.
fn published() -> anyhow::Result<Vec<Published>> {
    Ok(serde_json::from_str(include_str!(
        "../data/published.json"
    ))?)
}

/// Writes `report.html` and `report.md`, and returns where the page is.
pub fn write(results: &Results, output: &Output) -> anyhow::Result<PathBuf> {
    output.write("report.md", &markdown::markdown(results)?)?;
    output.write("report.html", &page::page(results)?.into_string())
}

/// `cargo compare report results.json`
pub fn again(path: &Path) -> anyhow::Result<ExitCode> {
    let results = read_results(path)?;
    let page = write(&results, &Output::beside(path))?;
    println!("{}", page.display());
    Ok(ExitCode::SUCCESS)
}

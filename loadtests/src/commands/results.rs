//! `cargo compare report` and `cargo compare diff`: the commands that read earlier results.

use std::path::Path;
use std::process::ExitCode;

use crate::output::{Output, read_results};

/// Renders the report of an earlier comparison again, next to its results.
///
/// # Errors
/// When the results cannot be read, or the report cannot be written.
pub fn report(path: &Path) -> anyhow::Result<ExitCode> {
    let results = read_results(path)?;
    let page = Output::of_earlier(path).write_reports(&results)?;
    println!("{}", page.display());
    Ok(ExitCode::SUCCESS)
}

/// Prints, for every arm and cell of both comparisons, what changed from the one to the other.
///
/// # Errors
/// When a file cannot be read, or the two have no cell in common.
pub fn diff(before: &Path, after: &Path) -> anyhow::Result<ExitCode> {
    let (before, after) = (read_results(before)?, read_results(after)?);
    print!("{}", ::report::diff(&before, &after)?);
    Ok(ExitCode::SUCCESS)
}

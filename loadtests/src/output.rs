//! The files of a comparison, in `target/compare/<time>/`.

use std::fs;
use std::path::{Path, PathBuf};

use analysis::model::{Results, SCHEMA};
use anyhow::{Context, bail};
use harness::deployment::binaries::workspace;
use time::OffsetDateTime;
use time::macros::format_description;

#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) directory: PathBuf,
}

impl Output {
    /// # Errors
    /// When the directory cannot be made, as on a full disk.
    pub(crate) fn create() -> anyhow::Result<Output> {
        let format = format_description!("[year]-[month]-[day]_[hour]-[minute]-[second]");
        let name = OffsetDateTime::now_utc().format(format)?;
        let directory = workspace()?.join("target/compare").join(name);
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot write to {}", directory.display()))?;
        Ok(Output { directory })
    }

    /// The directory with the results of an earlier comparison.
    pub(crate) fn of_earlier(results: &Path) -> Output {
        let directory = results.parent().unwrap_or(Path::new("."));
        Output {
            directory: directory.to_owned(),
        }
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    /// Replaces the file in one step, so that an interruption leaves the old one.
    ///
    /// # Errors
    /// When the file cannot be written, as on a full disk.
    pub(crate) fn write_results(&self, results: &Results) -> anyhow::Result<()> {
        let path = self.directory.join("results.json");
        let draft = self.directory.join("results.json.draft");
        let write = || -> anyhow::Result<()> {
            fs::write(&draft, serde_json::to_vec_pretty(results)?)?;
            Ok(fs::rename(&draft, &path)?)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes `report.html` and `report.md`, and returns the path of the page.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write_reports(&self, results: &Results) -> anyhow::Result<PathBuf> {
        self.write("report.md", &report::markdown(results)?)?;
        self.write("report.html", &report::html(results)?)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// Reads a `results.json`.
///
/// # Errors
/// When there is no such file, or its shape is not the one that this version writes.
pub(crate) fn read_results(path: &Path) -> anyhow::Result<Results> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let results: Results = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not the results.json of a comparison", path.display()))?;
    if results.schema != SCHEMA {
        let (path, found) = (path.display(), results.schema);
        bail!("{path} has shape {found} and this version reads {SCHEMA}: run the comparison again");
    }
    Ok(results)
}

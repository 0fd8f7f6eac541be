//! Where a comparison is written: `target/compare/<time>/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::arms::binaries::workspace;
use crate::results::{Results, SCHEMA};

#[derive(Clone, Debug)]
pub struct Output {
    pub directory: PathBuf,
}

impl Output {
    /// # Errors
    /// When the directory cannot be made, as on a full disk.
    pub fn create() -> anyhow::Result<Output> {
        let format = format_description!("[year]-[month]-[day]_[hour]-[minute]-[second]");
        let name = OffsetDateTime::now_utc().format(format)?;
        let directory = workspace()?.join("target/compare").join(name);
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot write to {}", directory.display()))?;
        Ok(Output { directory })
    }

    /// Beside the results of an earlier comparison.
    pub fn beside(results: &Path) -> Output {
        let directory = results.parent().unwrap_or(Path::new("."));
        Output {
            directory: directory.to_owned(),
        }
    }

    pub fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    /// Replaces the file in one step, so that an interruption leaves the old one.
    pub fn write_results(&self, results: &Results) -> anyhow::Result<()> {
        let path = self.directory.join("results.json");
        let draft = self.directory.join("results.json.draft");
        let write = || -> anyhow::Result<()> {
            fs::write(&draft, serde_json::to_vec_pretty(results)?)?;
            Ok(fs::rename(&draft, &path)?)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// # Errors
/// When the file is not there, or not of the shape this version writes.
pub fn read_results(path: &Path) -> anyhow::Result<Results> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let results: Results = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no results.json of a comparison", path.display()))?;
    if results.schema != SCHEMA {
        let (path, found) = (path.display(), results.schema);
        bail!(
            "{path} has shape {found} and this version reads {SCHEMA}: make the comparison again"
        );
    }
    Ok(results)
}

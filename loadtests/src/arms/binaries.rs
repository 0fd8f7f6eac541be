//! The binaries, built by cargo from this workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::Arm;

/// The profile this program was built with: the arms are built alike. Figures of a debug build
/// mean nothing, and the report says so.
pub const PROFILE: &str = if cfg!(debug_assertions) {
    "debug"
} else {
    "release"
};

/// Where the binaries of the arms, the queue server and the payment provider lie.
#[derive(Clone, Debug)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Builds what these arms need; cargo shows its progress itself.
    ///
    /// # Errors
    /// When cargo is missing or a build fails; cargo has said why.
    pub fn build(arms: &[Arm]) -> anyhow::Result<Binaries> {
        let mut binaries: BTreeSet<&str> = arms
            .iter()
            .flat_map(|arm| arm.binaries())
            .copied()
            .collect();
        binaries.extend(["payment-provider", "sqs-local"]);
        let workspace = workspace()?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // By binary and not by package: cargo then selects the features of the whole workspace, as
        // for this program, and compiles no dependency a second time.
        command.arg("build").current_dir(&workspace);
        if PROFILE == "release" {
            command.arg("--release");
        }
        for binary in binaries {
            command.args(["--bin", binary]);
        }
        let status = command
            .status()
            .context("cannot run cargo: is it on the PATH?")?;
        if !status.success() {
            bail!("the build failed: mend what cargo says above");
        }
        Binaries::beside_us(&workspace)
    }

    /// The directory this program itself was built into: whatever `CARGO_TARGET_DIR` says, the
    /// others are there too.
    fn beside_us(workspace: &Path) -> anyhow::Result<Binaries> {
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(directory) => workspace.join(directory),
            None => workspace.join("target"),
        };
        Ok(Binaries(target.join(PROFILE)))
    }

    pub fn path(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        if !path.is_file() {
            bail!(
                "there is no binary {}: run `cargo build --release`",
                path.display()
            );
        }
        Ok(path)
    }
}

/// The root of the workspace this program was built from.
pub fn workspace() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = here.parent().context("loadtests has left its workspace")?;
    if !workspace.join("Cargo.toml").is_file() {
        bail!(
            "the sources are not in {} any more: build again",
            workspace.display()
        );
    }
    Ok(workspace.to_owned())
}

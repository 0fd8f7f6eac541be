//! The binaries of the arms, built by cargo from this workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use analysis::model::Arm;
use anyhow::{Context, bail};

/// The profile of this program, which the arms are built with too. Figures of a debug build mean
/// nothing, and the report says so.
pub const PROFILE: &str = if cfg!(debug_assertions) {
    "debug"
} else {
    "release"
};

/// The directory with the binaries of the arms, the queue server and the payment provider.
#[derive(Clone, Debug)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Builds what these arms need. cargo shows its own progress.
    ///
    /// # Errors
    /// When cargo is missing or a build fails. cargo has printed why.
    pub fn build(arms: &[Arm]) -> anyhow::Result<Binaries> {
        let mut binaries: BTreeSet<&str> =
            arms.iter().flat_map(|arm| of_arm(*arm)).copied().collect();
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
            bail!("the build failed: see the errors of cargo above");
        }
        Binaries::of_this_program(&workspace)
    }

    /// The binaries of another commit, for an arm that is compared with its former self.
    ///
    /// # Errors
    /// When one of these arms' binaries is not in the directory.
    pub fn of_baseline(directory: &Path, arms: &[Arm]) -> anyhow::Result<Binaries> {
        let binaries = Binaries(directory.to_owned());
        for name in arms.iter().flat_map(|arm| of_arm(*arm)) {
            binaries.path(name)?;
        }
        Ok(binaries)
    }

    /// The directory that this program itself was built into.
    fn of_this_program(workspace: &Path) -> anyhow::Result<Binaries> {
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

/// The binaries that an arm runs.
pub fn of_arm(arm: Arm) -> &'static [&'static str] {
    match arm {
        Arm::Monolith => &["monolith"],
        Arm::Events | Arm::OneProcess => &["all-in-one"],
        Arm::Services => &[
            "gateway",
            "auth-service",
            "order-service",
            "payment-service",
            "inventory-service",
            "shipping-service",
        ],
    }
}

/// The root of the workspace that this program was built from.
///
/// # Errors
/// When the sources are gone.
pub fn workspace() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = here.ancestors().nth(2);
    let workspace = workspace.context("the harness is not in its workspace any more")?;
    if !workspace.join("Cargo.toml").is_file() {
        bail!(
            "the sources are not in {} any more: build again from where they are",
            workspace.display()
        );
    }
    Ok(workspace.to_owned())
}

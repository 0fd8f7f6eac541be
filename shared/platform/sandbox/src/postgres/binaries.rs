//! The search for Postgres's programs: in a named directory, among those installed, by download.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::download;
use crate::Error;
use crate::account::{Account, Accounts};
use crate::run::output_of;

/// The environment variable with the directory that holds `postgres` and `initdb`.
pub const DIRECTORY_VARIABLE: &str = "TWOFOLD_POSTGRES_DIR";

/// The directories of common packages; `*` stands for a version. `initdb` is seldom on the PATH.
const USUAL_PLACES: [&str; 8] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/opt/postgresql/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// The extension that counts statements, `pg_stat_statements`.
pub(crate) const STATEMENTS: &str = "pg_stat_statements";

/// Programs that the server's account can run.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    pub(crate) directory: PathBuf,
    /// The version as the server prints it, such as `postgres (PostgreSQL) 15.18`.
    pub(crate) version: String,
}

impl Binaries {
    /// Searches the directory in [`DIRECTORY_VARIABLE`] if it is set; otherwise the PATH, then the
    /// usual directories, newest version first, and at last downloads to `cache`.
    pub(crate) async fn find(accounts: &Accounts, cache: &Path) -> Result<Self, Error> {
        let account = accounts.switch_to.as_ref();
        if let Some(named) = env::var_os(DIRECTORY_VARIABLE) {
            let found = Self::try_directory(Path::new(&named), account);
            return found.map_err(|reason| Error::PostgresNotFound { tried: reason });
        }

        let mut tried = Vec::new();
        for directory in on_path().into_iter().chain(in_usual_places()) {
            match Self::try_directory(&directory, account) {
                Ok(found) => return Ok(found),
                Err(reason) => tried.push(reason),
            }
        }
        if tried.is_empty() {
            tried.push("none on the PATH or in the usual places".to_owned());
        }

        match download::fetch(cache).await {
            Ok(directory) => match Self::try_directory(&directory, account) {
                Ok(found) => return Ok(found),
                Err(reason) => tried.push(reason),
            },
            Err(reasons) => tried.extend(reasons),
        }
        Err(Error::PostgresNotFound {
            tried: tried.join("; "),
        })
    }

    /// Runs both programs as the account, which may have no access to them.
    pub(super) fn try_directory(
        directory: &Path,
        account: Option<&Account>,
    ) -> Result<Self, String> {
        let version_of = |name: &str| {
            let program = directory.join(name);
            let mut command = Command::new(&program);
            command.arg("--version");
            output_of(command, account)
                .map_err(|reason| format!("{} does not run: {reason}", program.display()))
        };
        version_of("initdb")?;
        let version = version_of("postgres")?;
        Ok(Self {
            directory: directory.into(),
            version: version.trim().to_owned(),
        })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Whether the extension that counts statements is installed. Some systems package it
    /// separately.
    pub(crate) fn counts_statements(&self) -> bool {
        // The program on the PATH may be a link into the server's directory.
        let Ok(server) = self.program("postgres").canonicalize() else {
            return false;
        };
        ["../lib", "../lib/postgresql"].iter().any(|libraries| {
            let library = server.with_file_name(libraries).join(STATEMENTS);
            ["so", "dylib"]
                .iter()
                .any(|kind| library.with_extension(kind).is_file())
        })
    }
}

/// The directories on the PATH that hold both programs.
fn on_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .filter(|directory| holds_programs(directory))
        .collect()
}

fn in_usual_places() -> Vec<PathBuf> {
    let mut found: Vec<_> = USUAL_PLACES.into_iter().flat_map(expand).collect();
    found.retain(|directory| holds_programs(directory));
    found.sort_by_key(|directory| std::cmp::Reverse(major_version(directory)));
    found
}

fn holds_programs(directory: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|name| directory.join(name).is_file())
}

/// The directories that match a pattern with at most one `*`.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![pattern.into()];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = std::fs::read_dir(format!("{parent}/")) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| name.starts_with(prefix))
        .map(|name| PathBuf::from(format!("{parent}/{name}{after}")))
        .collect()
}

/// The first number in a path such as `/usr/lib/postgresql/17/bin`; 0 when there is none.
fn major_version(directory: &Path) -> u32 {
    let text = directory.to_string_lossy();
    let digits = text.split(|character: char| !character.is_ascii_digit());
    digits
        .filter_map(|number| number.parse().ok())
        .next()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_version_comes_first() {
        let check = |path: &str, version| assert_eq!(major_version(Path::new(path)), version);
        check("/usr/lib/postgresql/9.6/bin", 9);
        check("/usr/lib/postgresql/17/bin", 17);
        check("/opt/homebrew/opt/postgresql@16/bin", 16);
        check("/opt/homebrew/opt/postgresql/bin", 0);
    }

    #[test]
    fn a_pattern_matches_the_directories_that_exist() {
        let base = tempfile::tempdir().unwrap();
        for version in ["pgsql-14", "pgsql-16", "other"] {
            std::fs::create_dir_all(base.path().join(version).join("bin")).unwrap();
        }

        let mut found = expand(&format!("{}/pgsql-*/bin", base.path().display()));
        found.sort();

        let expected = ["pgsql-14/bin", "pgsql-16/bin"].map(|name| base.path().join(name));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_directory_without_the_programs_is_an_error_with_the_reason() {
        let empty = tempfile::tempdir().unwrap();
        let reason = Binaries::try_directory(empty.path(), None).unwrap_err();
        assert!(reason.contains("initdb does not run"), "{reason}");
    }
}

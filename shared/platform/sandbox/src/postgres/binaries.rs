//! Finds Postgres's programs: those named, those installed, those downloaded.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::download;
use crate::Error;
use crate::account::{Account, Accounts};
use crate::run::output_of;

/// Names the directory that holds `postgres` and `initdb`.
pub const DIRECTORY_VARIABLE: &str = "TWOFOLD_POSTGRES_DIR";

/// Where packages put the programs, `*` being a version. `initdb` is seldom on the PATH.
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

/// The extension that counts statements.
pub(crate) const STATEMENTS: &str = "pg_stat_statements";

/// Programs that work for the account which will run them.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    pub(crate) directory: PathBuf,
    /// As the server prints it: `postgres (PostgreSQL) 15.18`.
    pub(crate) version: String,
}

impl Binaries {
    /// The directory in [`DIRECTORY_VARIABLE`] alone when it is set; else the PATH, the usual
    /// places newest first, and last a download kept in `cache`.
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

    /// Runs both programs as the account, which may lack the right to reach them.
    pub(super) fn try_directory(
        directory: &Path,
        account: Option<&Account>,
    ) -> Result<Self, String> {
        let ask = |name: &str| {
            let program = directory.join(name);
            let mut command = Command::new(&program);
            command.arg("--version");
            output_of(command, account)
                .map_err(|reason| format!("{} does not run: {reason}", program.display()))
        };
        ask("initdb")?;
        let version = ask("postgres")?;
        Ok(Self {
            directory: directory.into(),
            version: version.trim().to_owned(),
        })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Whether the server can count statements: the extension is a package of its own in places.
    pub(crate) fn counts_statements(&self) -> bool {
        // What is on the PATH may be a link to where the server lives.
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

/// Directories on the PATH that hold both programs.
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

/// The directories a pattern with at most one `*` stands for.
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
    fn a_pattern_stands_for_what_is_there() {
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
    fn a_directory_without_the_programs_says_so() {
        let empty = tempfile::tempdir().unwrap();
        let reason = Binaries::try_directory(empty.path(), None).unwrap_err();
        assert!(reason.contains("initdb does not run"), "{reason}");
    }
}

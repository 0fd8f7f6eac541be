//! The provenance of a comparison: the command that repeats it, and the versions of its parts.

use std::collections::BTreeMap;
use std::process::Command;

use harness::deployment::binaries::{PROFILE, workspace};

/// The command that repeats this comparison.
pub(crate) fn command() -> String {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .map(|argument| quoted(&without_password(&argument)))
        .collect();
    format!("cargo {}", arguments.join(" "))
}

/// Reports are passed on, and an address may contain a password.
fn without_password(argument: &str) -> String {
    let hidden = || {
        let (scheme, rest) = argument.split_once("://")?;
        let (account, place) = rest.rsplit_once('@')?;
        let (user, _) = account.split_once(':')?;
        Some(format!("{scheme}://{user}:PASSWORD@{place}"))
    };
    hidden().unwrap_or_else(|| argument.to_owned())
}

/// The argument as a shell reads it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=:/.,@".contains(c);
    match argument.chars().all(plain) {
        true => argument.to_owned(),
        false => format!("'{argument}'"),
    }
}

/// Versions of the parts, as far as they are known.
pub(crate) fn versions(postgres: Option<&str>) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let output = |program: &str, arguments: &[&str]| -> Option<String> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(workspace().ok()?)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let commit = output("git", &["describe", "--always", "--dirty", "--abbrev=12"]);
    let found = [
        ("postgres", postgres.map(str::to_owned)),
        ("profile", Some(PROFILE.to_owned())),
        ("rustc", output("rustc", &["--version"])),
        ("commit", commit),
        ("goose", locked("goose")),
    ];
    for (name, version) in found {
        if let Some(version) = version {
            versions.insert(name.to_owned(), version);
        }
    }
    versions
}

/// The version of a crate in this program.
fn locked(name: &str) -> Option<String> {
    let lock = include_str!("../../Cargo.lock");
    let package = lock
        .split_once(&format!("name = \"{name}\"\nversion = \""))?
        .1;
    Some(package.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_shows_no_password() {
        let check = |argument: &str, shown: &str| {
            assert_eq!(quoted(&without_password(argument)), shown);
        };
        check("--rates", "--rates");
        check(
            "monolith=http://127.0.0.1:8080",
            "monolith=http://127.0.0.1:8080",
        );
        check(
            "services=postgres://{database}:a@b@host/{database}",
            "'services=postgres://{database}:PASSWORD@host/{database}'",
        );
    }
}

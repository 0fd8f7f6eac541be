//! Every dependency is used: each costs build time, and a reader who looks for what it does.

use std::fs;

use crate::tree::{Package, files, packages};

/// Dependencies that no source names, each with the reason why it is there.
const UNNAMED: &[(&str, &str, &str)] = &[("sqs-local", "md-5", "its library is called `md5`")];

#[test]
fn every_dependency_is_used() {
    let mut unused = vec![];
    for package in packages() {
        for (kind, names) in &package.dependencies {
            let sources = sources(&package, kind);
            let all = names.iter().filter(|name| !is_named(name, &sources));
            let surprising = all.filter(|name| !is_excused(&package.name, name));
            unused.extend(surprising.map(|name| format!("{}: {name} ({kind})", package.name)));
        }
    }
    assert!(
        unused.is_empty(),
        "no source names these, so remove them from the manifest: {unused:#?}"
    );
}

#[test]
fn every_exception_is_needed() {
    let packages = packages();
    for (package, name, reason) in UNNAMED {
        let package = packages.iter().find(|one| one.name == *package).unwrap();
        let mut all = package.dependencies.iter();
        let unused = all.any(|(kind, names)| {
            names.iter().any(|one| one == name) && !is_named(name, &sources(package, kind))
        });
        assert!(unused, "{name} needs no exception ({reason})");
    }
}

#[test]
fn a_dependency_that_only_a_comment_names_is_unused() {
    let check = |source: &str, used: bool| {
        assert_eq!(
            is_named("tokio-util", &[source.to_owned()]),
            used,
            "{source}"
        );
    };
    check("use tokio_util::task;", true);
    check("use {tokio_util as util};", true);
    check("    tokio_util::sync::CancellationToken::new()", true);
    check("#[tokio_util::main]", true);
    check("use tokio_util;", true);
    check("/// let stop = tokio_util::sync::Token::new();", true);
    check("// As tokio_util::task does.", false);
    check("use my_tokio_util::task;", false);
    check("let tokio_util = 1;", false);
    check("use tokio::task;", false);
    check(
        "let token = ::tokio_util::sync::CancellationToken::new();",
        true,
    );
    check("use runtimes::tokio_util::sync;", false);
}

/// The text of every file that may use a dependency of this kind.
fn sources(package: &Package, kind: &str) -> Vec<String> {
    let build = package.folder.join("build.rs");
    let ours = files(".rs").into_iter().filter(|file| {
        let of_the_build = *file == build;
        file.starts_with(&package.folder) && of_the_build == (kind == "build")
    });
    ours.map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn is_excused(package: &str, dependency: &str) -> bool {
    UNNAMED
        .iter()
        .any(|(one, name, _)| (*one, *name) == (package, dependency))
}

/// Whether code or an example in a doc comment names the crate: `name::`, `use name` or
/// `name as`. Other comments do not count.
fn is_named(dependency: &str, sources: &[String]) -> bool {
    let name = dependency.replace('-', "_");
    let lines = sources.iter().flat_map(|source| source.lines());
    lines.map(str::trim_start).any(|line| {
        let is_doc = line.starts_with("///") || line.starts_with("//!");
        (is_doc || !line.starts_with("//")) && names(line, &name)
    })
}

fn names(line: &str, name: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(name).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + name.len()..]);
        let imported = before.trim_end().ends_with("use") && after.starts_with(';');
        let named = after.starts_with("::") || after.starts_with(" as ") || imported;
        // In `std::time::Duration` it is a module of another crate; in `::time::Date` it is not.
        let outside = before.strip_suffix("::").unwrap_or(before);
        !before.ends_with(is_word) && !outside.ends_with(is_word) && named
    })
}

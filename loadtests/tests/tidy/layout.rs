//! How files look and what they are called.

use std::fs;
use std::path::PathBuf;

use crate::tree::{files, root};

#[test]
fn two_files_fit_side_by_side() {
    for file in files(".rs") {
        for (n, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let columns = line.chars().count();
            assert!(
                columns <= 100,
                "{}:{} has {columns} columns",
                file.display(),
                n + 1
            );
        }
    }
}

/// A new service begins as a copy of it, and its author should read all of it first.
#[test]
fn the_template_is_small() {
    let parts = ["src", "migrations", "tests"];
    let files: Vec<_> = parts
        .into_iter()
        .flat_map(|part| {
            let folder = root().join("microservices/template-service").join(part);
            fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().path())
        })
        .collect();
    let lines = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().count();
    let lines: usize = files.iter().map(lines).sum();
    assert!(
        files.len() <= 5 && lines <= 150,
        "{} files, {lines} lines",
        files.len()
    );
}

#[test]
fn no_file_is_a_drawer() {
    for file in files(".rs") {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let drawer = [
            "util", "utils", "common", "helper", "helpers", "manager", "misc",
        ];
        assert!(!drawer.contains(&stem.as_str()), "{}", file.display());
    }
}

/// README, docs/comparison.md and the report name it next to the figures that depend on it.
#[test]
fn the_linger_that_the_figures_name_is_the_one_in_the_code() {
    let code = files(".rs").into_iter();
    let mut code = code.filter(|file| file.starts_with(root().join("shared")));
    let set = "Duration = Duration::from_millis(70);";
    assert!(code.any(|file| fs::read_to_string(file).unwrap().contains(set)));
    for page in ["README.md", "docs/comparison.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        assert!(text.contains("linger of 70 ms"), "{page}");
    }
}

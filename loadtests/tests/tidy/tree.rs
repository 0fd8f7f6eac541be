//! The source tree: its files, and its packages as cargo describes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A package of ours.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// By kind: `normal`, `dev` or `build`, as cargo's metadata has them.
    pub(crate) dependencies: BTreeMap<String, Vec<String>>,
}

impl Package {
    /// The dependencies outside of tests.
    pub(crate) fn normal(&self) -> &[String] {
        self.dependencies.get("normal").map_or(&[], Vec::as_slice)
    }

    /// The dependencies of every kind.
    pub(crate) fn all(&self) -> impl Iterator<Item = &String> {
        self.dependencies.values().flatten()
    }
}

pub(crate) fn packages() -> Vec<Package> {
    let arguments = [
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ];
    let metadata: Value = serde_json::from_str(&cargo(&arguments)).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.map(package).collect()
}

fn package(metadata: &Value) -> Package {
    let manifest = Path::new(metadata["manifest_path"].as_str().unwrap());
    let mut dependencies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for dependency in metadata["dependencies"].as_array().unwrap() {
        let kind = dependency["kind"].as_str().unwrap_or("normal").to_owned();
        let name = dependency["rename"].as_str();
        let name = name.or(dependency["name"].as_str()).unwrap().to_owned();
        dependencies.entry(kind).or_default().push(name);
    }
    Package {
        name: metadata["name"].as_str().unwrap().to_owned(),
        folder: manifest.parent().unwrap().to_owned(),
        dependencies,
    }
}

pub(crate) fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The project's files with this ending, without build output and hidden folders.
pub(crate) fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found
}

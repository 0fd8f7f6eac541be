//! The rules of the style guide that a test can check: which crate may depend on which, and how
//! files look.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/unused.rs"]
mod unused;

/// The dependencies that our crates may have on each other. All others are forbidden.
const ARROWS: &[(&str, &[&str])] = &[
    // The platform, which knows no shop.
    ("strict-json", &[]),
    ("trace-context", &[]),
    ("problem-document", &[]),
    ("database", &[]),
    (
        "chassis",
        &[
            "database",
            "problem-document",
            "strict-json",
            "trace-context",
        ],
    ),
    ("messaging", &["database", "strict-json", "trace-context"]),
    ("sqs-local", &["strict-json"]),
    ("sandbox", &["sqs-local"]),
    // The shop, as far as both architectures share it.
    ("domain", &[]),
    ("contracts", &["domain", "messaging", "problem-document"]),
    ("store", &["domain"]),
    ("payment-provider", &["strict-json"]),
    (
        "storefront",
        &[
            "chassis",
            "contracts",
            "database",
            "domain",
            "store",
            "strict-json",
        ],
    ),
    // Only tests depend on it.
    (
        "shop-testing",
        &[
            "chassis",
            "contracts",
            "domain",
            "messaging",
            "sandbox",
            "store",
        ],
    ),
    ("analysis", &[]),
    ("report", &["analysis"]),
    (
        "harness",
        &[
            "analysis",
            "chassis",
            "contracts",
            "domain",
            "sandbox",
            "store",
            "strict-json",
        ],
    ),
    (
        "monolith",
        &[
            "chassis",
            "contracts",
            "database",
            "domain",
            "store",
            "storefront",
        ],
    ),
    ("gateway", &["chassis", "contracts"]),
    (
        "auth-service",
        &["chassis", "contracts", "domain", "store", "storefront"],
    ),
    ("order-service", SERVICE),
    ("payment-service", SERVICE),
    ("inventory-service", SERVICE),
    ("shipping-service", SERVICE),
    ("template-service", &["chassis", "database", "messaging"]),
];
const SERVICE: &[&str] = &[
    "chassis",
    "contracts",
    "database",
    "domain",
    "messaging",
    "store",
    "storefront",
];
/// These put everything together, so they may depend on everything.
const ROOTS: &[&str] = &["all-in-one", "loadtests"];

#[test]
fn crates_lean_only_on_what_the_architecture_allows() {
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let packages = packages();
    let ours: BTreeSet<_> = packages.keys().map(String::as_str).collect();

    for (name, dependencies) in &packages {
        if ROOTS.contains(&name.as_str()) {
            continue;
        }
        // A new service may begin as a copy of the template.
        let new_service = name.ends_with("-service").then_some(&SERVICE);
        let Some(allowed) = allowed.get(name.as_str()).or(new_service) else {
            panic!("{name} is not in the table of arrows: add it, with a reason");
        };
        for dependency in dependencies.iter().filter(|d| ours.contains(d.as_str())) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} may not use {dependency}"
            );
        }
    }
}

#[test]
fn the_monolith_knows_of_no_broker() {
    let tree = cargo(&["tree", "-p", "monolith", "-e", "normal", "--prefix", "none"]);
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        let broker = name.starts_with("aws-sdk") || name == "aws-config" || name == "messaging";
        assert!(!broker, "the monolith depends on {line}");
    }
}

#[test]
fn folders_are_named_as_their_crates() {
    for manifest in files("Cargo.toml") {
        let text = fs::read_to_string(&manifest).unwrap();
        let name = text.lines().find_map(|line| line.strip_prefix("name = "));
        let Some(name) = name.map(|name| name.trim_matches('"')) else {
            continue;
        };
        let folder = manifest.parent().unwrap().file_name().unwrap();
        assert_eq!(folder, name, "{}", manifest.display());
    }
}

#[test]
fn versions_stand_in_the_workspace_manifest_alone() {
    for manifest in files("Cargo.toml") {
        if manifest == root().join("Cargo.toml") {
            continue;
        }
        let text = fs::read_to_string(&manifest).unwrap();
        let loose = text.lines().find(|line| line.contains("version = \""));
        assert_eq!(loose, None, "{}", manifest.display());
    }
}

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
fn the_store_never_begins_or_commits() {
    for file in files(".rs")
        .into_iter()
        .filter(|f| f.starts_with(root().join("shared/shop/store/src")))
    {
        let text = fs::read_to_string(&file).unwrap();
        for word in [".begin()", ".commit()", ".rollback()", "PgPool"] {
            assert!(!text.contains(word), "{} says {word}", file.display());
        }
    }
}

/// clippy forbids the pool's own ways to a connection (`clippy.toml`); that a pool is an executor,
/// too, no lint can see. The load tests have no pool.
#[test]
fn no_statement_runs_on_a_pool() {
    const CALLS: [&str; 4] = [
        "execute(&",
        "fetch_one(&",
        "fetch_all(&",
        "fetch_optional(&",
    ];
    let sources = files(".rs").into_iter().filter(|file| {
        let path = file.strip_prefix(root()).unwrap();
        path.components().any(|part| part.as_os_str() == "src") && !path.starts_with("loadtests")
    });
    for file in sources {
        let text = fs::read_to_string(&file).unwrap();
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            let on_a_pool = CALLS.iter().any(|call| {
                let argument = line.split_once(call).map_or("", |(_, rest)| rest);
                let argument = argument.split(')').next().unwrap_or_default();
                let name = argument.rsplit('.').next().unwrap_or_default();
                ["db", "pool", "database"].contains(&name)
            });
            assert!(
                !on_a_pool,
                "{}: {line}: use `database::lend`",
                file.display()
            );
        }
    }
}

#[test]
fn the_domain_has_no_async_and_no_clock() {
    for file in files(".rs")
        .into_iter()
        .filter(|f| f.starts_with(root().join("shared/shop/domain/src")))
    {
        let text = fs::read_to_string(&file).unwrap();
        for word in ["async ", "SystemTime", "Instant::now", "sqlx"] {
            assert!(!text.contains(word), "{} says {word}", file.display());
        }
    }
}

/// README, docs/comparison.md and the report name it beside the figures that depend on it.
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

#[test]
fn tests_wait_on_conditions_and_not_on_time() {
    for file in files(".rs")
        .into_iter()
        .filter(|f| f.components().any(|c| c.as_os_str() == "tests"))
    {
        let text = fs::read_to_string(&file).unwrap();
        // Assembled, so that this line does not find itself.
        let blocking = ["thread", "sleep("].join("::");
        assert!(!text.contains(&blocking), "{} sleeps", file.display());
        assert!(
            !text.contains(&["#[", "ignore"].concat()),
            "{} ignores a test",
            file.display()
        );
    }
}

/// serde reads such types from a buffer, in which `strict_json` does not see their structs. The
/// analysis reads nothing but files that this project has written.
#[test]
fn no_type_is_read_from_a_buffer() {
    let analysis = root().join("loadtests/analysis");
    for file in files(".rs")
        .into_iter()
        .filter(|file| !file.starts_with(&analysis))
    {
        let text = fs::read_to_string(&file).unwrap();
        // Assembled, so that this line does not find itself.
        for attribute in text.split(&["#[", "serde("].concat()).skip(1) {
            let attribute = attribute.split(")]").next().unwrap_or_default();
            for word in ["untagged", "tag = ", "flatten"] {
                assert!(!attribute.contains(word), "{} says {word}", file.display());
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn cargo(arguments: &[&str]) -> String {
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

/// Our packages, each with its dependencies outside of tests.
fn packages() -> BTreeMap<String, Vec<String>> {
    let metadata = cargo(&[
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().unwrap();
            let normal = all.iter().filter(|dependency| dependency["kind"].is_null());
            (name(package), normal.map(name).collect())
        })
        .collect()
}

/// The project's files with this ending, without build output and hidden folders.
fn files(ending: &str) -> Vec<PathBuf> {
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

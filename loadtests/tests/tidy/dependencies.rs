//! Which crate may depend on which, and how manifests look.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::tree::{cargo, files, packages, root};

/// The dependencies that our crates may have on each other. All others are forbidden.
const ARROWS: &[(&str, &[&str])] = &[
    // The platform, which knows no shop.
    ("strict-json", &[]),
    ("trace-context", &[]),
    ("problem-document", &[]),
    ("database", &["trace-context"]),
    (
        "chassis",
        &[
            "database",
            "problem-document",
            "strict-json",
            "trace-context",
        ],
    ),
    ("sqs-queue", &[]),
    (
        "messaging",
        &["database", "sqs-queue", "strict-json", "trace-context"],
    ),
    ("sqs-local", &["sqs-queue", "strict-json"]),
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
            "trace-context",
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
    // The page shows and controls what the harness starts.
    (
        "live",
        &["analysis", "contracts", "domain", "harness", "messaging"],
    ),
    // The services' decisions, held against the audit's promises. Only its own tests use it.
    (
        "simulation",
        &[
            "contracts",
            "domain",
            "harness",
            "inventory-service",
            "messaging",
            "order-service",
            "payment-provider",
            "payment-service",
            "shipping-service",
            "store",
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
fn crates_depend_only_on_what_the_architecture_allows() {
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let packages = packages();
    let ours: BTreeSet<_> = packages.iter().map(|one| one.name.as_str()).collect();

    for package in &packages {
        let name = &package.name;
        if ROOTS.contains(&name.as_str()) {
            continue;
        }
        // A new service may begin as a copy of the template.
        let new_service = name.ends_with("-service").then_some(&SERVICE);
        let Some(allowed) = allowed.get(name.as_str()).or(new_service) else {
            panic!("{name} is not in the table of arrows: add it, with a reason");
        };
        for dependency in package.normal() {
            if !ours.contains(dependency.as_str()) {
                continue;
            }
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

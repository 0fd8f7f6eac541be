//! The boundaries inside loadtests.

use std::fs;
use std::path::PathBuf;

use crate::tree::{files, packages, root};

/// The analysis does no I/O.
#[test]
fn the_analysis_needs_nothing_but_numbers() {
    let allowed = ["rand", "serde", "statrs"];
    let packages = packages();
    let analysis = packages.iter().find(|one| one.name == "analysis").unwrap();
    let mut others = analysis
        .normal()
        .iter()
        .filter(|one| !allowed.contains(&one.as_str()));
    assert_eq!(others.next(), None);
}

#[test]
fn the_audit_knows_nothing_of_arms() {
    let src = root().join("loadtests/harness/src");
    let (facade, folder) = (src.join("audit.rs"), src.join("audit"));
    let of_audit = |file: &PathBuf| *file == facade || file.starts_with(&folder);
    let mut seen = 0;
    for file in files(".rs").into_iter().filter(|file| of_audit(file)) {
        seen += 1;
        let text = fs::read_to_string(&file).unwrap();
        for (n, line) in text.lines().enumerate() {
            let elsewhere = line.contains("crate::") && !line.contains("crate::audit");
            let arms = ["Arm", "Deployment", "LoadModel"]
                .iter()
                .any(|word| line.contains(word));
            assert!(!elsewhere && !arms, "{}:{}: {line}", file.display(), n + 1);
        }
    }
    assert!(seen > 5, "the audit has moved");
}

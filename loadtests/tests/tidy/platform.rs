//! The platform knows no shop, so that it can be taken elsewhere: `shared/platform` is what a
//! stranger keeps, and `shared/shop` is what he deletes.

use std::collections::BTreeSet;
use std::fs;

use crate::lexer::{identifiers, lines, words};
use crate::tree::{Package, files, packages, root};

/// Words of the shop. No identifier of the platform contains one.
const WORDS: &[&str] = &[
    "catalogue",
    "checkout",
    "customer",
    "customers",
    "inventory",
    "monolith",
    "payment",
    "payments",
    "refund",
    "reservation",
    "shipment",
    "shipments",
    "shipping",
    "shop",
    "shops",
    "sku",
    "skus",
    "storefront",
];

/// Names of the shop whose words mean something else too: an order of a sort, a store to memory.
const NAMES: &[&str] = &[
    "contracts",
    "domain",
    "CancelOrder",
    "Fact",
    "Facts",
    "Money",
    "OrderBody",
    "OrderId",
    "OrderLine",
    "OrderPlaced",
    "PlaceOrder",
    "Product",
    "ProductBody",
    "order_id",
    "place_order",
];

#[test]
fn the_platform_depends_on_nothing_of_ours_outside_of_it() {
    let packages = packages();
    let ours: BTreeSet<_> = packages.iter().map(|one| one.name.as_str()).collect();
    let platform = platform(&packages);
    assert!(platform.contains("messaging"), "the platform has moved");

    for package in &packages {
        let is_template = package.name == "template-service";
        if !is_template && !platform.contains(package.name.as_str()) {
            continue;
        }
        // Of every kind: its tests are copied with it.
        for dependency in package.all().filter(|one| ours.contains(one.as_str())) {
            assert!(
                platform.contains(dependency.as_str()),
                "{} may depend on crates of shared/platform alone, and not on {dependency}",
                package.name
            );
        }
    }
}

#[test]
fn the_platform_names_no_shop() {
    let mut found = vec![];
    let folder = root().join("shared/platform");
    for file in files(".rs") {
        let in_sources = file.components().any(|part| part.as_os_str() == "src");
        if !file.starts_with(&folder) || !in_sources {
            continue;
        }
        for (n, line) in lines(&fs::read_to_string(&file).unwrap())
            .iter()
            .enumerate()
        {
            for name in identifiers(&line.code).filter(|name| is_of_the_shop(name)) {
                found.push(format!("{}:{}: {name}", file.display(), n + 1));
            }
        }
    }
    assert!(
        found.is_empty(),
        "shared/platform knows no shop: move this to shared/shop, or name it for any use: \
         {found:#?}"
    );
}

#[test]
fn words_of_the_shop_are_found_and_others_are_not() {
    for name in ["CustomerId", "customer_id", "PAYMENTS", "domain", "OrderId"] {
        assert!(is_of_the_shop(name), "{name}");
    }
    for name in [
        "order_by", "Ordering", "store", "Domains", "place", "in_order",
    ] {
        assert!(!is_of_the_shop(name), "{name}");
    }
}

fn is_of_the_shop(identifier: &str) -> bool {
    let words = words(identifier);
    NAMES.contains(&identifier) || words.iter().any(|word| WORDS.contains(&word.as_str()))
}

/// The names of the packages in `shared/platform`.
fn platform(packages: &[Package]) -> BTreeSet<&str> {
    let folder = root().join("shared/platform");
    let inside = packages
        .iter()
        .filter(|one| one.folder.starts_with(&folder));
    inside.map(|one| one.name.as_str()).collect()
}

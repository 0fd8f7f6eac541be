//! Finds circles of imports between the modules of one crate. It reads the sources as text: `use`
//! declarations and paths that begin with `crate`, `super` or `self`, outside of tests.
//!
//! A facade is free: `mod child;` and `pub use child::Item;` tie no knot, and a path through a
//! re-export leads to the module that has the item.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::imports::{FACADE, Module, declarations, expanded, inline_paths, without_tests};
use crate::tree::files;

/// Crates that still have circles of imports. The list is there to be emptied.
const CIRCULAR: &[&str] = &[];

#[test]
fn no_crate_has_a_circle_of_imports() {
    let mut wrong = vec![];
    for manifest in files("Cargo.toml") {
        let folder = manifest.parent().unwrap();
        let name = folder.file_name().unwrap().to_string_lossy();
        let src = folder.join("src");
        if !src.is_dir() {
            continue;
        }
        let circles = circles(&src);
        let is_listed = CIRCULAR.contains(&name.as_ref());
        if is_listed && circles.is_empty() {
            wrong.push(format!("{name} has no circle any more: unlist it"));
        } else if !is_listed && !circles.is_empty() {
            wrong.push(format!("{name}: {circles:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The modules of a crate: what each imports, and what each re-exports.
#[derive(Default)]
struct Crate {
    /// The source of each module, without comments and tests.
    sources: BTreeMap<Module, String>,
    /// By module and name, the path that a `pub use` gives the name to.
    re_exports: BTreeMap<(Module, String), Module>,
}

/// Each circle as a list of modules in which each imports the next one, and the last the first.
fn circles(src: &Path) -> Vec<String> {
    let modules = Crate::read(src);
    let arrows = modules.arrows();
    let mut found = BTreeSet::new();
    for start in arrows.keys() {
        if let Some(circle) = way_back(&arrows, start) {
            found.insert(circle);
        }
    }
    let named = found.into_iter().map(|circle| {
        let names: Vec<String> = circle.iter().map(name).collect();
        names.join(", ")
    });
    named.collect()
}

fn name(module: &Module) -> String {
    match module.is_empty() {
        true => "the root".to_owned(),
        false => module.join("::"),
    }
}

impl Crate {
    fn read(src: &Path) -> Crate {
        let mut found = Crate::default();
        for file in sources(src) {
            let module = module_of(file.strip_prefix(src).unwrap());
            let source = without_tests(&fs::read_to_string(&file).unwrap());
            found.sources.insert(module, source);
        }
        for (module, source) in &found.sources {
            let facade = FACADE
                .iter()
                .flat_map(|keyword| declarations(source, keyword));
            for declaration in facade {
                for (path, alias) in expanded(&declaration) {
                    if let Some(target) = found.absolute(module, &path) {
                        found.re_exports.insert((module.clone(), alias), target);
                    }
                }
            }
        }
        found
    }

    /// From each module to the modules whose items it uses.
    fn arrows(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let arrows = self.sources.iter().map(|(module, source)| {
            let imported = declarations(source, "use ");
            let imported = imported.iter().flat_map(|one| expanded(one));
            let inline = inline_paths(source).into_iter();
            let paths = imported.map(|(path, _)| path).chain(inline);
            let targets = paths.filter_map(|path| {
                let target = self.absolute(module, &path)?;
                Some(self.home(target))
            });
            let others = targets.filter(|target| target != module);
            (module.clone(), others.collect())
        });
        arrows.collect()
    }

    /// The path from the crate's root. `None` for a path into another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let mut base: Module = match first.as_str() {
            "crate" => vec![],
            "self" => module.clone(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            child => {
                let child = [&module[..], &[child.to_owned()]].concat();
                self.sources.contains_key(&child).then_some(child)?
            }
        };
        for part in rest {
            match part.as_str() {
                "super" => base.truncate(base.len().checked_sub(1)?),
                "self" => {}
                _ => base.push(part.clone()),
            }
        }
        Some(base)
    }

    /// The module in which an item stands, behind all re-exports.
    fn home(&self, mut path: Module) -> Module {
        for _ in 0..10 {
            let longest = (0..=path.len()).rev();
            let mut modules = longest.filter(|length| self.sources.contains_key(&path[..*length]));
            let length = modules.next().unwrap_or(0);
            let Some(item) = path.get(length) else {
                return path;
            };
            let key = (path[..length].to_vec(), item.clone());
            match self.re_exports.get(&key) {
                Some(target) => path = [&target[..], &path[length + 1..]].concat(),
                None => return key.0,
            }
        }
        path
    }
}

/// The shortest way from a module back to itself, begun at its smallest member.
fn way_back(arrows: &BTreeMap<Module, BTreeSet<Module>>, start: &Module) -> Option<Vec<Module>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = vec![];
        for way in ways {
            let last = way.last().unwrap();
            for next in arrows.get(last).into_iter().flatten() {
                if next == start {
                    let smallest = way.iter().min().unwrap().clone();
                    let at = way.iter().position(|one| *one == smallest).unwrap();
                    return Some([&way[at..], &way[..at]].concat());
                }
                if seen.insert(next.clone()) {
                    longer.push([&way[..], std::slice::from_ref(next)].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            // Binaries are crates of their own, and tests are in no circle.
            let own = !["bin", "tests"].contains(&name.as_str());
            found.extend(own.then(|| sources(&path)).into_iter().flatten());
        } else if name.ends_with(".rs") && !["tests.rs", "main.rs"].contains(&name.as_str()) {
            found.push(path);
        }
    }
    found
}

/// `a/b.rs` and `a/b/mod.rs` are the module `a::b`, and `lib.rs` is the root.
fn module_of(file: &Path) -> Module {
    let parts = file.with_extension("");
    let mut parts: Module = parts
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if ["lib", "mod"].contains(&parts.last().unwrap().as_str()) {
        parts.pop();
    }
    parts
}

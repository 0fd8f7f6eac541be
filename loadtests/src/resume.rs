//! Whether an earlier comparison may go on here.

use std::path::Path;

use anyhow::bail;

use crate::asked::empty;
use crate::cli::Options;
use crate::compare::UNFINISHED;
use crate::output::read_results;
use crate::plan::Settings;
use crate::results::Results;

/// Runs of two sets of settings, two machines or two versions are not to be mixed.
pub fn resumed(path: &Path, options: &Options, settings: &Settings) -> anyhow::Result<Results> {
    let earlier = read_results(path)?;
    let ours = empty(options, settings, None)?;
    let (path, command) = (path.display(), &earlier.command);
    if earlier.settings != ours.settings {
        bail!(
            "{path} was made with other settings: give the options of {command:?} again beside \
             --resume"
        );
    }
    if !earlier.machine.is_like(&ours.machine) {
        bail!("{path} was made on another machine: its runs and new ones are not to be mixed");
    }
    for version in ["commit", "profile", "rustc"] {
        let (then, now) = (earlier.versions.get(version), ours.versions.get(version));
        if then != now {
            let said = |version: Option<&String>| version.map_or("unknown".into(), String::clone);
            let (then, now) = (said(then), said(now));
            bail!("{path} was made with {version} {then}, and this is {now}");
        }
    }
    Ok(Results {
        partial: Some(UNFINISHED.to_owned()),
        ..earlier
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::asked::settings;
    use crate::cli::{Cli, Top};
    use crate::output::Output;

    fn options(arguments: &[&str]) -> Options {
        let all = ["cargo", "compare"].iter().chain(arguments);
        let Top::Compare(compare) = Cli::parse_from(all).command;
        compare.options
    }

    #[test]
    fn a_comparison_goes_on_only_as_it_began() {
        let directory = tempfile::tempdir().unwrap();
        let output = Output::beside(&directory.path().join("results.json"));
        let began = options(&["--storage", "memory"]);
        let made = empty(&began, &settings(&began).unwrap(), None).unwrap();
        let check = |change: fn(&mut Results), now: &[&str], hint: &str| {
            let mut made = made.clone();
            change(&mut made);
            output.write_results(&made).unwrap();
            let (now, path) = (options(now), output.directory.join("results.json"));
            let resumed = resumed(&path, &now, &settings(&now).unwrap());
            let said = resumed.map_or_else(|error| error.to_string(), |_| "goes on".to_owned());
            assert!(said.contains(hint), "{said}");
        };
        let same = ["--storage", "memory"];
        check(|_| {}, &same, "goes on");
        check(|_| {}, &[], "other settings");
        check(
            |_| {},
            &["--storage", "memory", "--postgres", "each"],
            "other settings",
        );
        check(|made| made.machine.cores += 1, &same, "another machine");
        check(
            |made| drop(made.versions.insert("commit".into(), "another".into())),
            &same,
            "commit another",
        );
    }
}

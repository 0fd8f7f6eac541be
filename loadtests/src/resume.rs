//! Decides whether an earlier comparison may continue here.

use std::path::Path;

use analysis::model::{Partial, Results};
use anyhow::bail;
use harness::run::RunSettings;

use crate::cli::Options;
use crate::output::read_results;
use crate::settings::new_results;

/// The results that are continued. Runs with different settings, machines or versions must not be
/// mixed.
///
/// # Errors
/// When they would be mixed, or the file cannot be read.
pub(crate) fn resumed(
    path: &Path,
    options: &Options,
    settings: &RunSettings,
) -> anyhow::Result<Results> {
    let earlier = read_results(path)?;
    let ours = new_results(options, settings, None)?;
    let (path, command) = (path.display(), &earlier.command);
    if earlier.settings != ours.settings {
        bail!(
            "{path} was made with other settings: repeat the options of {command:?} together with \
             --resume"
        );
    }
    if !earlier.machine.is_like(&ours.machine) {
        bail!("{path} was made on another machine: its runs must not be mixed with new ones");
    }
    for version in ["commit", "profile", "rustc"] {
        let (then, now) = (earlier.versions.get(version), ours.versions.get(version));
        if then != now {
            let name = |version: Option<&String>| version.map_or("unknown".into(), String::clone);
            let (then, now) = (name(then), name(now));
            bail!("{path} was made with {version} {then}, and this is {now}");
        }
    }
    Ok(Results {
        partial: Some(Partial::Unfinished),
        ..earlier
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Top};
    use crate::output::Output;
    use crate::settings::run_settings;

    fn options(arguments: &[&str]) -> Options {
        let all = ["cargo", "compare"].iter().chain(arguments);
        let Top::Compare(compare) = Cli::parse_from(all).command;
        compare.options
    }

    #[test]
    fn a_comparison_continues_only_with_the_same_settings_machine_and_versions() {
        let directory = tempfile::tempdir().unwrap();
        let output = Output::of_earlier(&directory.path().join("results.json"));
        let began = options(&["--storage", "memory"]);
        let made = new_results(&began, &run_settings(&began).unwrap(), None).unwrap();
        let check = |change: fn(&mut Results), now: &[&str], hint: &str| {
            let mut made = made.clone();
            change(&mut made);
            output.write_results(&made).unwrap();
            let (now, path) = (options(now), output.directory.join("results.json"));
            let resumed = resumed(&path, &now, &run_settings(&now).unwrap());
            let outcome =
                resumed.map_or_else(|error| error.to_string(), |_| "continues".to_owned());
            assert!(outcome.contains(hint), "{outcome}");
        };
        let same = ["--storage", "memory"];
        check(|_| {}, &same, "continues");
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

//! The end of a comparison: its files, what is printed, and the exit code.

use std::process::ExitCode;

use analysis::model::{Partial, Results};
use anyhow::Context;

use crate::cli::Options;
use crate::output::Output;

/// Marks the results as complete, or records why they are not. Until here they were partial.
pub(crate) fn mark_complete(results: &mut Results, made: &anyhow::Result<()>) {
    match made {
        Err(error) => results.partial = Some(Partial::Failed(format!("{error:#}"))),
        Ok(()) if results.partial == Some(Partial::Unfinished) => results.partial = None,
        Ok(()) => {}
    }
}

/// Writes results and reports, and prints the summary.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write_outputs(
    options: &Options,
    results: &Results,
    output: &Output,
) -> anyhow::Result<()> {
    output.write_results(results)?;
    let page = output.write_reports(results)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(results)?);
    } else {
        println!("{}", report::summary(results));
    }
    eprintln!("Report: {}", page.display());
    let can_resume = options.target.is_empty() && results.soaks.is_empty();
    if results.partial.is_some() && can_resume {
        let made = output.directory.join("results.json");
        let command = &results.command;
        eprintln!("Continue with: {command} --resume {}", made.display());
    }
    let logs = output.logs();
    let failed = results.partial.is_some() || !results.all_promises_kept();
    // The logs of a comparison that failed say why.
    if !options.keep && !failed && logs.is_dir() {
        std::fs::remove_dir_all(logs).context("cannot remove the logs")?;
    }
    Ok(())
}

/// Success only when the comparison is complete, every audit passed and no run but the search for a
/// capacity had errors.
pub(crate) fn exit_code(results: &Results) -> ExitCode {
    let valid = results.all_promises_kept() && !results.has_errors() && !results.has_left_work();
    match results.partial.is_none() && valid {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use analysis::model::{Check, Run};
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Top};
    use crate::settings::{new_results, run_settings};

    fn results() -> Results {
        let Top::Compare(quick) = Cli::parse_from(["cargo", "compare"]).command;
        let settings = run_settings(&quick.options).unwrap();
        new_results(&quick.options, &settings, None).unwrap()
    }

    #[test]
    fn a_comparison_that_was_stopped_is_never_marked_complete() {
        let complete = |made: anyhow::Result<()>, interrupted: bool| {
            let mut results = results();
            assert!(results.partial.is_some());
            if interrupted {
                results.partial = Some(Partial::Interrupted);
            }
            mark_complete(&mut results, &made);
            results.partial.is_none()
        };
        assert!(complete(Ok(()), false));
        assert!(!complete(Ok(()), true));
        assert!(!complete(Err(anyhow::anyhow!("broken")), false));
    }

    #[test]
    fn a_run_with_errors_fails_the_comparison_though_every_promise_was_kept() {
        let mut results = results();
        results.partial = None;
        let mut run = Run {
            requests: 100,
            ..Run::default()
        };
        run.audit.checks = vec![Check {
            promise: "kept".to_owned(),
            examined: 1,
            broken: 0,
            example: None,
        }];
        results.runs = vec![run];
        assert_eq!(exit_code(&results), ExitCode::SUCCESS);
        results.runs[0].errors = 1;
        assert_eq!(exit_code(&results), ExitCode::FAILURE);
    }
}

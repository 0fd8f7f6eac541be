//! The procedure of every run: warm up, load, drain, audit.

use analysis::model::{Audit, Run, SEND_DELAY_LIMIT_MS};
use anyhow::Context;

use super::drain::Backlog;
use super::figures;
use super::meter::Reading;
use super::phases::{Load, Phase, load};
use super::spec::{RunSettings, RunSpec};
use super::subject::{Access, Subject};
use super::witness::Witness;
use crate::audit::{Snapshot, audit};

/// Makes one run of a shop that is ready for it.
///
/// # Errors
/// When something cannot be reached or read. That is not a result of the arm.
pub async fn run(
    subject: &impl Subject,
    settings: &RunSettings,
    spec: &RunSpec,
) -> anyhow::Result<Run> {
    let endpoint = subject.endpoint();
    let access = subject.access().await?;
    let mut witness = Witness::open(&access, &endpoint).await?;
    let limit = subject.drain_limit(spec.load);

    let warm_up = load(settings, spec, &endpoint, Phase::WarmUp).await?;
    let warmed_up = witness.drain(limit, &warm_up).await?;
    let since = witness.newest_order().await?;

    let before = reading(subject, &mut witness).await?;
    let mut measured = load(settings, spec, &endpoint, Phase::Measured).await?;
    let loaded = subject.usage(witness.own_backends())?;
    let drained = witness.drain(limit, &measured).await?;
    let after = reading(subject, &mut witness).await?;

    let snapshot = witness.snapshot().await?;
    if let Access::Databases { clock_ahead_ms, .. } = access {
        measured.begin_ms += clock_ahead_ms;
    }
    let mut run = spec.planned_run(settings);
    run.drain_ms = drained.after.as_secs_f64() * 1_000.0;
    run.memory_bytes = subject.peak_memory();
    after.fill_in(&mut run, &before, loaded.as_ref());
    figures::fill_in(&mut run, &measured, &snapshot, since, settings.objective);
    run.audit = audited(&access, &snapshot, &[&warm_up, &measured]);
    run.void = void(&run, warmed_up.backlog, drained.backlog);
    Ok(run)
}

async fn reading(subject: &impl Subject, witness: &mut Witness<'_>) -> anyhow::Result<Reading> {
    let counters = witness.counters().await?;
    let usage = subject.usage(witness.own_backends())?;
    let calls = counters.as_ref().and_then(|read| read.sqs_calls.as_ref());
    if usage.is_some() && witness.has_queues() {
        // A deployment on this machine has sqs-local, which counts its calls.
        calls.context("the queue server does not show the calls that it has counted")?;
    }
    Ok(Reading { usage, counters })
}

/// Audits all loads, that of the warm-up too.
pub(super) fn audited(access: &Access, snapshot: &Snapshot, loads: &[&Load]) -> Audit {
    if let Access::HttpOnly { missing } = access {
        return Audit {
            checks: vec![],
            not_run: Some(format!("{missing}, so the verdict is withheld")),
        };
    }
    let accepted: Vec<_> = loads.iter().map(|load| &load.accepted[..]).collect();
    let failed = loads.iter().map(|load| load.failed).sum();
    Audit {
        checks: audit(snapshot, &accepted.concat(), failed),
        not_run: None,
    }
}

/// Why the run has no number, even if its audit passes.
fn void(run: &Run, warmed_up: Backlog, drained: Backlog) -> Option<String> {
    let (late, waited) = (run.send_delay_ms.p99, run.drain_ms / 1_000.0);
    let backlog = match drained.is_empty() {
        true => warmed_up,
        false => drained,
    };
    if !backlog.is_empty() {
        return Some(format!(
            "{waited:.0} s after the load had ended there were still {backlog}"
        ));
    }
    if run.has_errors() && !run.load.is_probe() {
        let (errors, requests) = (run.errors, run.requests);
        return Some(format!(
            "{errors} of {requests} requests failed, and the limit is one in a thousand"
        ));
    }
    run.is_late().then(|| {
        format!(
            "the generator was {late:.1} ms late at its 99th percentile, and the limit is \
             {SEND_DELAY_LIMIT_MS} ms"
        )
    })
}

#[cfg(test)]
mod tests {
    use analysis::model::{LoadModel, Rate};

    use super::*;

    #[test]
    fn more_than_one_error_in_a_thousand_voids_a_run_unless_it_is_a_probe() {
        let check = |errors: u64, load: LoadModel, voided: bool| {
            let run = Run {
                errors,
                requests: 1_000,
                load,
                ..Run::default()
            };
            let void = void(&run, Backlog::default(), Backlog::default());
            assert_eq!(void.is_some(), voided, "{errors}");
        };
        check(1, LoadModel::open(50.0), false);
        check(2, LoadModel::open(50.0), true);
        check(2, LoadModel::Closed { users: 5 }, true);
        check(900, LoadModel::Probe(Rate::per_s(50.0)), false);
    }

    #[test]
    fn work_that_is_left_voids_a_run_even_that_of_the_warm_up() {
        let left = Backlog {
            unsent: 2,
            ..Backlog::default()
        };
        let run = Run::default();
        for (warmed_up, drained) in [(left, Backlog::default()), (Backlog::default(), left)] {
            let void = void(&run, warmed_up, drained).unwrap();
            assert!(void.contains("2 events to send"), "{void}");
        }
    }
}

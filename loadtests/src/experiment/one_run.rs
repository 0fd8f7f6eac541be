//! One run, from fresh databases to an audited result.

use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::drain::{Left, Watch};
use super::loading::{Door, Load, Phase, load};
use super::meter::{self, Busy, Reading};
use super::settling;
use crate::arms::deployment::Wanted;
use crate::arms::{Deployment, Surroundings};
use crate::audit::{Books, audit};
use crate::measure::postgres;
use crate::plan::{Model, Planned, Settings};
use crate::results::run::LAG_LIMIT_MS;
use crate::results::{Audit, Check, Run};

/// How long an arm may take, after the load, to finish what it has accepted.
const DRAIN_LIMIT: Duration = Duration::from_secs(90);
/// A search for the capacity goes beyond it on purpose, and users who never rest may; what was
/// accepted is owed even so.
const LONG_DRAIN_LIMIT: Duration = Duration::from_secs(300);

/// Starts the arm, loads it, waits until it is done, audits it and takes it down. None when it was
/// told to stop before it was done.
///
/// # Errors
/// When something cannot be started, reached or read: that is no result of the arm.
pub async fn one_run(
    around: &Surroundings,
    settings: &Settings,
    planned: &Planned,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Run>> {
    let deployment = Deployment::start(around, &wanted(settings, planned))
        .await
        .with_context(|| format!("cannot start {}", planned.label))?;
    let measured = stop
        .run_until_cancelled(measure(around, settings, planned, &deployment))
        .await;
    deployment.remove(around).await?;
    measured.transpose()
}

async fn measure(
    around: &Surroundings,
    settings: &Settings,
    planned: &Planned,
    deployment: &Deployment,
) -> anyhow::Result<Run> {
    let sources = deployment.sources();
    let mut watch = Watch::start(&sources).await?;
    let mut meter = postgres::Meter::open(&sources).await?;
    watch.backends.extend(meter.backends().await?);
    let door = Door {
        base_urls: deployment.base_urls.clone(),
        tokens: around.tokens(settings.customers)?,
        keys: settings.seed.to_string(),
    };

    let warm_up = load(settings, planned, &door, Phase::WarmUp).await?;
    let (_, cold) = watch.drain(drain_limit(planned.model)).await?;
    let since = sources.last_order().await?;

    let asked = watch.statements;
    let before = Reading::take(deployment, &mut meter, &watch.backends).await?;
    let measured = load(settings, planned, &door, Phase::Measured).await?;
    let loaded = Busy::now(deployment, &watch.backends)?;
    let (drained, left) = watch.drain(drain_limit(planned.model)).await?;
    let after = Reading::take(deployment, &mut meter, &watch.backends).await?;
    let own_statements = watch.statements - asked + meter.own_statements();

    let mut books = sources.read().await?;
    books.outboxes = watch.outboxes().await?.into_iter().collect();
    let mut run = Run {
        drain_ms: drained.as_secs_f64() * 1_000.0,
        memory_bytes: meter::memory(deployment),
        audit: Audit {
            checks: audited(&books, &warm_up, &measured),
            not_run: None,
        },
        ..blank(settings, planned)
    };
    after.since(&before, &loaded, own_statements, &mut run);
    settling::note(&mut run, &measured, &books, since, settings.objective);
    let left = if left.is_nothing() { cold } else { left };
    run.void = void(&run, left);
    Ok(run)
}

/// A run of which nothing is known yet but what was planned.
pub(super) fn blank(settings: &Settings, planned: &Planned) -> Run {
    Run {
        arm: planned.label.clone(),
        scenario: planned.scenario.code().to_owned(),
        model: planned.model.name().to_owned(),
        rate_per_s: planned.rate(),
        pair: planned.pair,
        position: planned.position,
        replicas: planned.replicas,
        remote_sqs: planned.remote_sqs,
        warm_up_s: settings.warm_up.as_secs_f64(),
        ..Run::default()
    }
}

fn drain_limit(model: Model) -> Duration {
    match model {
        Model::Open { .. } => DRAIN_LIMIT,
        Model::Probe { .. } | Model::Closed { .. } => LONG_DRAIN_LIMIT,
    }
}

fn wanted(settings: &Settings, run: &Planned) -> Wanted {
    let sqs_arguments = match run.remote_sqs {
        true => settings.sqs_latency.arguments(),
        false => vec![],
    };
    let planted = settings.plant.as_ref();
    let planted = planted.filter(|plant| plant.label == run.label);
    Wanted {
        arm: run.arm,
        name: format!("{:03}-{}", run.position + 1, run.label.replace(' ', "-")),
        replicas: run.replicas,
        products: settings.products,
        provider_latency_ms: run.scenario.provider_latency_ms(),
        sqs_arguments,
        cancellation_window: settings.cancellation_window,
        order_expiry: settings.order_expiry,
        seed: settings.seed,
        planted: planted.map(|plant| plant.burnt),
    }
}

/// The audit looks at the orders of the warm-up too.
pub(super) fn audited(books: &Books, warm_up: &Load, measured: &Load) -> Vec<Check> {
    let accepted = [&warm_up.accepted[..], &measured.accepted].concat();
    audit(books, &accepted, warm_up.failed + measured.failed)
}

pub(super) fn void(run: &Run, left: Left) -> Option<String> {
    let (lag, waited) = (run.lag_ms.p99, run.drain_ms / 1_000.0);
    if !left.is_nothing() {
        return Some(format!(
            "{waited:.0} s after the load had ended there were still {left}"
        ));
    }
    if run.has_errors() && !run.is_probe() {
        let (errors, requests) = (run.errors, run.requests);
        return Some(format!(
            "{errors} of {requests} requests failed, and the limit is one in a thousand"
        ));
    }
    run.is_late().then(|| {
        format!(
            "the generator was {lag:.1} ms late at its 99th percentile, and the limit is \
             {LAG_LIMIT_MS} ms"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_one_error_in_a_thousand_voids_a_run_unless_it_looks_for_the_limit() {
        let check = |errors: u64, model: &str, voided: bool| {
            let run = Run {
                errors,
                requests: 1_000,
                model: model.to_owned(),
                ..Run::default()
            };
            assert_eq!(void(&run, Left::default()).is_some(), voided, "{errors}");
        };
        check(1, "open", false);
        check(2, "open", true);
        check(2, "closed", true);
        check(900, "capacity", false);
    }
}

//! The settings of a comparison, from the options of the command line.

use std::time::Duration;

use analysis::model::{Method, Partial, PostgresPlace, Results, SCHEMA, Settings};
use harness::deployment::infrastructure::external_server;
use harness::deployment::slowdown_proxy::InjectedSlowdown;
use harness::measure::machine;
use harness::run::RunSettings;
use harness::sqs_latency::SqsLatency;
use sandbox::PostgresMode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::{DeploymentOptions, Options, Postgres, Storage};
use crate::plan;
use crate::provenance;

/// The settings of a comparison's runs.
///
/// # Errors
/// When a data file in `loadtests/data` has another shape.
pub(crate) fn run_settings(options: &Options) -> anyhow::Result<RunSettings> {
    let duration = options
        .duration
        .unwrap_or(if options.full { 60 } else { 6 });
    let (warm_up, order_expiry) = match method(options) {
        Method::Full => (duration.min(10), duration.clamp(5, 15)),
        Method::Quick => (1, 3),
        Method::Custom => (1, 5),
    };
    Ok(RunSettings {
        warm_up: Duration::from_secs(warm_up),
        duration: Duration::from_secs(duration),
        // Each run waits for the message that expires orders: short runs cannot afford a long one.
        order_expiry: Duration::from_secs(order_expiry),
        shape: None,
        slowdown: options.inject_slowdown.clone(),
        ..quick_settings(&options.deployment)?
    })
}

/// The settings of the quick method.
pub(crate) fn quick_settings(options: &DeploymentOptions) -> anyhow::Result<RunSettings> {
    Ok(RunSettings {
        warm_up: Duration::from_secs(1),
        duration: Duration::from_secs(6),
        objective: Duration::from_millis(500),
        cancellation_window: Duration::from_secs(2),
        order_expiry: Duration::from_secs(3),
        overdue: None,
        longest_operation: Duration::from_secs(6),
        products: 1_000,
        customers: 50,
        seed: options.seed,
        shape: None,
        sqs_latency: SqsLatency::from_data()?,
        slowdown: None,
    })
}

pub(crate) fn storage(options: &DeploymentOptions) -> sandbox::Storage {
    match options.storage {
        Storage::Disk => sandbox::Storage::Disk,
        Storage::Memory => sandbox::Storage::Memory,
    }
}

pub(crate) fn postgres_mode(options: &DeploymentOptions) -> PostgresMode {
    match options.postgres {
        Postgres::Shared => PostgresMode::Shared,
        Postgres::Each => PostgresMode::Each,
    }
}

fn method(options: &Options) -> Method {
    let own = options.rates.is_some() || options.users.is_some() || options.scenarios.is_some();
    let own = own || options.pairs.is_some() || options.duration.is_some();
    match (options.full, own || !options.target.is_empty()) {
        (true, _) => Method::Full,
        (false, true) => Method::Custom,
        (false, false) => Method::Quick,
    }
}

/// Orders per second as far as they are known before the search for a capacity.
fn rates(options: &Options) -> Vec<f64> {
    let given = options.rates.clone();
    let none = options.full || options.users.is_some();
    given.unwrap_or_else(|| if none { vec![] } else { vec![plan::QUICK_RATE] })
}

fn postgres_place(options: &Options) -> PostgresPlace {
    match options.deployment.postgres {
        _ if !options.target.is_empty() => PostgresPlace::Elsewhere,
        Postgres::Shared if external_server().is_some() => PostgresPlace::External,
        Postgres::Shared => PostgresPlace::Shared,
        Postgres::Each => PostgresPlace::Each,
    }
}

/// Results without runs. They are unfinished until they are marked complete.
///
/// # Errors
/// When the time cannot be written as text.
pub(crate) fn new_results(
    options: &Options,
    settings: &RunSettings,
    postgres_version: Option<&str>,
) -> anyhow::Result<Results> {
    let latency = &settings.sqs_latency;
    Ok(Results {
        schema: SCHEMA,
        command: provenance::command(),
        started_at: OffsetDateTime::now_utc().format(&Rfc3339)?,
        partial: Some(Partial::Unfinished),
        settings: Settings {
            method: method(options),
            arms: options.deployment.arms.0.clone(),
            rates: rates(options),
            seed: settings.seed,
            duration_s: settings.duration.as_secs_f64(),
            warm_up_s: settings.warm_up.as_secs_f64(),
            objective_ms: settings.objective.as_secs_f64() * 1_000.0,
            cancellation_window_ms: settings.cancellation_window.as_millis() as u64,
            storage: match options.deployment.storage {
                Storage::Disk => analysis::model::Storage::Disk,
                Storage::Memory => analysis::model::Storage::Memory,
            },
            postgres: postgres_place(options),
            injected_slowdown: options
                .inject_slowdown
                .as_ref()
                .map(InjectedSlowdown::recorded),
            sqs_latency: format!(
                "p50 {} ms, p99 {} ms per call: {}",
                latency.p50_ms, latency.p99_ms, latency.source
            ),
        },
        machine: machine::probe(),
        versions: provenance::versions(postgres_version),
        runs: vec![],
        faults: vec![],
        soaks: vec![],
        capacities: vec![],
    })
}

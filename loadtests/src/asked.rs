//! From the options to what is to be done: settings, and the head of the results.

use std::time::Duration;

use sandbox::PostgresMode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::arms::plant::Plant;
use crate::arms::surroundings::given_server;
use crate::cli::{DeploymentOptions, Options, Postgres, Storage};
use crate::compare::UNFINISHED;
use crate::plan::{self, Settings};
use crate::provenance;
use crate::results::{self, Machine, Results, SCHEMA};
use crate::sqs_latency::SqsLatency;

pub fn settings(options: &Options) -> anyhow::Result<Settings> {
    let duration = options
        .duration
        .unwrap_or(if options.full { 60 } else { 6 });
    let (warm_up, order_expiry) = match mode(options) {
        "full" => (duration.min(10), duration.clamp(5, 15)),
        "quick" => (1, 3),
        _ => (1, 5),
    };
    Ok(Settings {
        warm_up: Duration::from_secs(warm_up),
        duration: Duration::from_secs(duration),
        // Each run waits for the message that expires orders: short runs cannot afford a long one.
        order_expiry: Duration::from_secs(order_expiry),
        plant: options.plant.clone(),
        ..defaults(&options.deployment)?
    })
}

/// The settings of the quick method.
pub fn defaults(options: &DeploymentOptions) -> anyhow::Result<Settings> {
    Ok(Settings {
        warm_up: Duration::from_secs(1),
        duration: Duration::from_secs(6),
        objective: Duration::from_millis(500),
        cancellation_window: Duration::from_secs(2),
        order_expiry: Duration::from_secs(3),
        products: 1_000,
        customers: 50,
        seed: options.seed,
        sqs_latency: SqsLatency::from_data()?,
        plant: None,
    })
}

pub fn storage(options: &DeploymentOptions) -> sandbox::Storage {
    match options.storage {
        Storage::Disk => sandbox::Storage::Disk,
        Storage::Memory => sandbox::Storage::Memory,
    }
}

pub fn postgres(options: &DeploymentOptions) -> PostgresMode {
    match options.postgres {
        Postgres::Shared => PostgresMode::Shared,
        Postgres::Each => PostgresMode::Each,
    }
}

fn mode(options: &Options) -> &'static str {
    let own = options.rates.is_some() || options.users.is_some() || options.scenarios.is_some();
    let own = own || options.pairs.is_some() || options.duration.is_some();
    match (options.full, own || !options.target.is_empty()) {
        (true, _) => "full",
        (false, true) => "custom",
        (false, false) => "quick",
    }
}

/// Orders per second that were asked for, before anything is known of a capacity.
fn rates(options: &Options) -> Vec<f64> {
    let given = options.rates.clone();
    let none = options.full || options.users.is_some();
    given.unwrap_or_else(|| if none { vec![] } else { vec![plan::QUICK_RATE] })
}

fn postgres_is(options: &Options) -> &'static str {
    match options.deployment.postgres {
        _ if !options.target.is_empty() => "elsewhere",
        Postgres::Shared if given_server().is_some() => "given",
        Postgres::Shared => "shared",
        Postgres::Each => "each",
    }
}

/// Nothing was made yet: until somebody says so, it was not finished.
pub fn empty(
    options: &Options,
    settings: &Settings,
    postgres_version: Option<&str>,
) -> anyhow::Result<Results> {
    let latency = &settings.sqs_latency;
    Ok(Results {
        schema: SCHEMA,
        command: provenance::command(),
        started_at: OffsetDateTime::now_utc().format(&Rfc3339)?,
        partial: Some(UNFINISHED.to_owned()),
        settings: results::Settings {
            mode: mode(options).to_owned(),
            arms: options
                .deployment
                .arms
                .0
                .iter()
                .map(|(_, label)| label.clone())
                .collect(),
            rates: rates(options),
            seed: settings.seed,
            duration_s: settings.duration.as_secs_f64(),
            warm_up_s: settings.warm_up.as_secs_f64(),
            objective_ms: settings.objective.as_secs_f64() * 1_000.0,
            cancellation_window_ms: settings.cancellation_window.as_millis() as u64,
            storage: format!("{:?}", options.deployment.storage).to_lowercase(),
            postgres: postgres_is(options).to_owned(),
            planted: options.plant.as_ref().map(Plant::described),
            sqs_latency: format!(
                "p50 {} ms, p99 {} ms a call: {}",
                latency.p50_ms, latency.p99_ms, latency.source
            ),
        },
        machine: Machine::probe(),
        versions: provenance::versions(postgres_version),
        runs: vec![],
        capacities: vec![],
    })
}

//! The options of experiments that are no comparison of two arms under the same load.

use std::path::PathBuf;

use analysis::model::Fault;
use clap::Args;

use super::values::{Faults, fault_codes, parse_faults, parse_hours, parse_rate};
use super::{DeploymentOptions, Options};

#[derive(Args, Debug, Clone)]
pub struct FaultOptions {
    /// The faults: F1 kill of one process, F2 of all, F3 provider hangs, F4 provider fails,
    /// F5 queue server paused and killed, Postgres paused, F6 Postgres crashes, F7 SQS misbehaves,
    /// F8 poison messages, F9 slow consumer, F10 rolling restart, and a new version next to the old
    /// one, F11 frozen process, F12 random kills, F13 three times the capacity, F14 all messages
    /// lost.
    #[arg(long, value_delimiter = ',', value_parser = parse_faults, default_values = fault_codes())]
    pub faults: Vec<Faults>,

    #[command(flatten)]
    pub deployment: DeploymentOptions,

    /// Orders per second.
    #[arg(long, default_value = "50", value_parser = parse_rate)]
    pub rate: f64,

    /// Runs of each case. From three on, figures have an interval.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub pairs: u32,

    /// Keeps the logs of all processes next to the report.
    #[arg(long)]
    pub keep: bool,

    /// Prints the results as JSON instead of the sentences.
    #[arg(long)]
    pub json: bool,

    /// Continues experiments that were stopped: the runs in their results.json are not made again.
    /// Repeat the other options too.
    #[arg(long, value_name = "RESULTS")]
    pub resume: Option<PathBuf>,
}

#[derive(Args, Debug, Clone)]
pub struct SoakOptions {
    /// How long each architecture is loaded, in hours. It ends after the round that exceeds it.
    #[arg(long, default_value = "1", value_parser = parse_hours)]
    pub hours: f64,

    #[command(flatten)]
    pub deployment: DeploymentOptions,

    /// Orders per second.
    #[arg(long, default_value = "50", value_parser = parse_rate)]
    pub rate: f64,

    /// Keeps the logs of all processes next to the report.
    #[arg(long)]
    pub keep: bool,

    /// Prints the results as JSON instead of the sentences.
    #[arg(long)]
    pub json: bool,
}

impl FaultOptions {
    /// The faults of all chosen codes.
    pub fn faults(&self) -> Vec<Fault> {
        let codes = self.faults.iter();
        codes.flat_map(|faults| faults.0.clone()).collect()
    }
}

/// The options of a comparison that consists of experiments of another kind.
pub(crate) fn of_experiment(
    deployment: &DeploymentOptions,
    rate: f64,
    keep: bool,
    json: bool,
) -> Options {
    Options {
        quick: false,
        full: false,
        deployment: deployment.clone(),
        rates: Some(vec![rate]),
        users: None,
        scenarios: None,
        pairs: None,
        duration: None,
        baseline: None,
        keep,
        json,
        resume: None,
        target: vec![],
        target_database: vec![],
        target_provider: vec![],
        target_queues: vec![],
        inject_slowdown: None,
    }
}

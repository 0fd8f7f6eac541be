//! A load of three times the capacity. The capacity is measured first.

use std::time::Duration;

use analysis::model::{LoadModel, Rate};

use super::BEFORE;
use crate::load::schedule::Shape;
use crate::run::phases::{Load, Phase, load};
use crate::run::spec::{RunSettings, RunSpec};
use crate::run::subject::Endpoint;

/// The load during the fault, over the capacity.
const TIMES: f64 = 3.0;
/// The load before and after it, over the capacity.
const STEADY: f64 = 0.25;
/// Customers who order again as soon as their order is settled: more of them settle no more orders.
const CUSTOMERS: usize = 100;
const MEASURING: Duration = Duration::from_secs(6);
/// Long enough to see that answers are as fast as before.
const AFTER: Duration = Duration::from_secs(15);
const LENGTH: Duration = Duration::from_secs(60);
/// The generator has this many requests open at the most: more than either architecture admits at a
/// time. Many more would be a load on the machine of their own.
const OPEN_REQUESTS: f64 = 2_000.0;

/// How many orders per second were settled while the capacity was measured.
pub(super) fn capacity(found: &Load) -> f64 {
    found.accepted.len() as f64 / MEASURING.as_secs_f64()
}

/// Measures how many orders per second are settled, and plans a load that exceeds it.
///
/// # Errors
/// When the load cannot be made.
pub(super) async fn planned(
    settings: &RunSettings,
    spec: &RunSpec,
    endpoint: &Endpoint,
) -> anyhow::Result<(RunSettings, RunSpec, Option<Load>)> {
    let measuring = RunSettings {
        duration: MEASURING,
        ..settings.clone()
    };
    let closed = RunSpec {
        load: LoadModel::Closed { users: CUSTOMERS },
        ..spec.clone()
    };
    let found = load(&measuring, &closed, endpoint, Phase::Capacity).await?;
    let steady = (capacity(&found) * STEADY).max(1.0);
    let settings = RunSettings {
        duration: BEFORE + LENGTH + AFTER,
        longest_operation: Duration::from_secs_f64(OPEN_REQUESTS / steady),
        shape: Some(Shape::Burst {
            times: TIMES / STEADY,
            begin: BEFORE,
            length: LENGTH,
        }),
        ..settings.clone()
    };
    let spec = RunSpec {
        load: LoadModel::Open(Rate::per_s(steady)),
        ..spec.clone()
    };
    Ok((settings, spec, Some(found)))
}

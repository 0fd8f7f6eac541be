//! The measured load of a run with a fault.

use analysis::model::{QueueSample, UsageSample};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::inject::inject;
use super::usage::Watched;
use super::{BEFORE, Plan, queues, usage};
use crate::deployment::binaries::of_arm;
use crate::deployment::{Deployment, Infrastructure};
use crate::run::phases::{LEAD, Load, Phase, load};
use crate::run::subject::Endpoint;

/// A load, and what was seen meanwhile.
pub(in crate::run) struct FaultyLoad {
    pub(in crate::run) measured: Load,
    /// Poison messages that were sent.
    pub(in crate::run) poisoned: u64,
    /// When all parts were back, in seconds of the load.
    pub(in crate::run) end_s: f64,
    pub(in crate::run) queues: Vec<QueueSample>,
    pub(in crate::run) usage: Vec<UsageSample>,
}

/// Loads the deployment, lets the fault happen in the middle, and heals it.
///
/// # Errors
/// When the load cannot be made, or a part cannot be reached or does not come back.
pub(in crate::run) async fn load_with_fault(
    infrastructure: &Infrastructure,
    deployment: &mut Deployment,
    (settings, spec, deployed, case, rate): Plan<'_>,
    endpoint: &Endpoint,
) -> anyhow::Result<FaultyLoad> {
    let begin = Instant::now() + LEAD;
    let queues = deployment.queues.as_ref();
    let queues_url = queues.map(|queues| queues.process.url.clone());
    let watched = Watched {
        programs: of_arm(case.arm),
        postgres_pids: deployment.postgres_pids.clone(),
    };
    let loaded = CancellationToken::new();
    let under_load = async {
        let measured = load(settings, spec, endpoint, Phase::Measured).await;
        loaded.cancel();
        measured
    };
    let faulty = async {
        sleep_until(begin + BEFORE).await;
        let plan = (deployed, case);
        let poisoned = inject(infrastructure, deployment, plan, (rate, settings.seed)).await?;
        anyhow::Ok((poisoned, begin.elapsed().as_secs_f64()))
    };
    let queues = queues::watch(queues_url.as_deref(), begin, &loaded);
    let usage = usage::watch(watched, begin, &loaded);
    let (measured, faulty, queues, usage) = tokio::join!(under_load, faulty, queues, usage);
    let (poisoned, end_s) = faulty?;
    Ok(FaultyLoad {
        measured: measured?,
        poisoned,
        end_s,
        queues: queues?,
        usage: usage?,
    })
}

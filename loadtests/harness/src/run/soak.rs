//! A soak: one arm under load for hours, with a random fault in each round.

mod resources;

use std::time::{Duration, Instant};

use analysis::model::{Arm, ArmName, Fault, FaultCase, LoadModel, Rate, Scenario, SoakRound};
use anyhow::Context;
use contracts::topology::EXPIRY;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use tokio_util::sync::CancellationToken;

use super::faults::{AFTER, BEFORE, DRAIN_LIMIT, cases, load_with_fault};
use super::local::{LocalShop, deployment_spec};
use super::procedure::audited;
use super::spec::{RunSettings, RunSpec};
use super::subject::{Access, Endpoint, Subject};
use super::witness::Witness;
use crate::audit::sources::Delayed;
use crate::deployment::{Deployment, DeploymentSpec, Infrastructure};

/// The faults of a soak: those that need no deployment of their own and last less than a round.
const FAULTS: [Fault; 8] = [
    Fault::Kill,
    Fault::KillAll,
    Fault::ProviderHangs,
    Fault::ProviderFails,
    Fault::Pause,
    Fault::PostgresCrash,
    Fault::SqsMisbehaves,
    Fault::RollingRestart,
];
/// The load of a round, with the fault in the middle. A longer fault makes it longer.
const ROUND: Duration = Duration::from_secs(60);

/// An arm under load.
struct Soaking<'a> {
    infrastructure: &'a Infrastructure,
    settings: RunSettings,
    spec: RunSpec,
    deployed: DeploymentSpec,
    endpoint: Endpoint,
    rate: Rate,
    begin: Instant,
}

/// Starts the arm and makes rounds until the time is over. Each is audited while the arm goes on
/// running, and given to `record`.
///
/// # Errors
/// When something cannot be started, reached or read. That is not a result of the arm.
pub async fn soak(
    infrastructure: &Infrastructure,
    settings: &RunSettings,
    (arm, rate, length): (Arm, Rate, Duration),
    stop: &CancellationToken,
    mut record: impl FnMut(SoakRound) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let spec = RunSpec {
        arm: ArmName::from(arm),
        scenario: Scenario::Checkout,
        load: LoadModel::Open(rate),
        replicas: 1,
        remote_sqs: false,
        pair: 0,
        position: 0,
    };
    let deployed = deployment_spec(settings, &spec)?;
    let mut deployment = Deployment::start(infrastructure, &deployed)
        .await
        .with_context(|| format!("cannot start {arm}"))?;
    let endpoint = LocalShop::new(infrastructure, settings, &deployment)?.endpoint();
    let soaking = Soaking {
        infrastructure,
        settings: settings.clone(),
        spec,
        deployed,
        endpoint,
        rate,
        begin: Instant::now(),
    };
    let rounds = async {
        let mut number = 0;
        while soaking.begin.elapsed() < length {
            number += 1;
            record(soaking.round(&mut deployment, number).await?)?;
        }
        anyhow::Ok(())
    };
    let made = stop.run_until_cancelled(rounds).await;
    deployment.remove(infrastructure).await?;
    made.unwrap_or(Ok(()))
}

impl Soaking<'_> {
    /// Makes a round. Its load and its fault depend on the seed and its number alone.
    ///
    /// # Errors
    /// When a part cannot be started, reached or read.
    async fn round(&self, deployment: &mut Deployment, number: u64) -> anyhow::Result<SoakRound> {
        let seed = self.settings.seed.wrapping_add(number);
        let case = fault(deployment.arm, seed)?;
        let steady = Duration::from_secs(case.fault.length_s()) + BEFORE + AFTER;
        let settings = RunSettings {
            seed,
            duration: ROUND.max(steady),
            ..self.settings.clone()
        };
        let endpoint = Endpoint {
            key_prefix: format!("{}-{number}", self.endpoint.key_prefix),
            ..self.endpoint.clone()
        };
        let mut sources = deployment.sources();
        sources.exclude_existing().await?;
        sources.delayed = Delayed::AllBut(EXPIRY);
        let access = Access::Databases {
            sources,
            clock_ahead_ms: 0.0,
        };
        let plan = (&settings, &self.spec, &self.deployed, &case, self.rate);
        let faulty = load_with_fault(self.infrastructure, deployment, plan, &endpoint).await?;
        let measured = faulty.measured;

        let mut witness = Witness::open(&access, &endpoint).await?;
        let drained = witness.drain(DRAIN_LIMIT, &measured).await?;
        let snapshot = witness.snapshot().await?;
        let left = drained.backlog;
        Ok(SoakRound {
            at_s: self.begin.elapsed().as_secs_f64(),
            fault: case.title(),
            offered: measured.offered,
            accepted: measured.accepted.len() as u64,
            audit: audited(&access, &snapshot, &[&measured]),
            left: (!left.is_empty()).then(|| left.to_string()),
            resources: resources::read(deployment).await?,
        })
    }
}

/// The fault of a round, and the part that it hits.
fn fault(arm: Arm, seed: u64) -> anyhow::Result<FaultCase> {
    let cases = FAULTS.iter().flat_map(|fault| cases(*fault, &[arm]));
    let cases: Vec<FaultCase> = cases.filter(|case| case.replicas == 1).collect();
    let chosen = cases.choose(&mut SmallRng::seed_from_u64(seed));
    chosen.cloned().context("no fault can hit this arm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rounds_have_every_fault_of_an_arm() {
        for arm in [Arm::Monolith, Arm::Services] {
            let made: Vec<FaultCase> = (0..200).map(|seed| fault(arm, seed).unwrap()).collect();
            let has_all = FAULTS.iter().all(|fault| {
                let possible = cases(*fault, &[arm]).iter().any(|case| case.replicas == 1);
                !possible || made.iter().any(|case| case.fault == *fault)
            });
            assert!(has_all, "{arm}");
        }
    }
}

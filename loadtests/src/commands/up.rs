//! `cargo compare up`: starts both architectures with their live page, to try them by hand.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use analysis::model::ArmName;
use anyhow::Context;
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, try_join_all};
use harness::deployment::binaries::Binaries;
use harness::deployment::{Deployment, DeploymentSpec, Infrastructure};
use harness::run::RunSettings;
use live::{Page, Receiver, Started};
use tokio_util::sync::CancellationToken;

use super::env_file;
use crate::cli::UpOptions;
use crate::environment::refuse_proxy;
use crate::output::Output;
use crate::settings::{postgres_mode, quick_settings, storage};

/// The port of the page. A port that is taken is replaced by a free one.
const PAGE_PORT: u16 = 4700;
/// The port of the first arm's entry. The parts of an arm have the next ports, and the next arm is
/// ten ports further.
const ARM_PORT: u16 = 4800;

/// Starts the arms and their page, prints its address, and serves until Ctrl-C.
pub fn up<'a>(
    options: &'a UpOptions,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    run(options, stop).boxed_local()
}

async fn run(options: &UpOptions, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    refuse_proxy()?;
    let deployment = &options.deployment;
    let settings = quick_settings(deployment)?;
    let binaries = Binaries::build(&deployment.arms.on_the_dial())?;
    let output = Output::create()?;
    let infrastructure = Infrastructure::start(
        binaries,
        storage(deployment),
        postgres_mode(deployment),
        output.logs(),
    );
    let infrastructure = Arc::new(infrastructure.await?);
    let receiver = Receiver::start().await?;

    let specs = deployment.arms.0.iter().zip(0_u16..).map(|(arm, place)| {
        let spec = DeploymentSpec {
            first_port: Some(ARM_PORT + 10 * place),
            collector: Some(receiver.endpoint.clone()),
            ..spec_to_try(arm, &settings)?
        };
        anyhow::Ok((arm.clone(), spec))
    });
    let specs = specs.collect::<Result<Vec<_>, _>>()?;
    let infrastructure_of_all = &infrastructure;
    let started = try_join_all(specs.into_iter().map(|(name, spec)| async move {
        let deployment = Deployment::start(infrastructure_of_all, &spec).await;
        let deployment = deployment.with_context(|| format!("cannot start {name}"))?;
        anyhow::Ok(Started {
            name,
            spec,
            deployment,
        })
    }));
    let started = started.await?;
    let shops: Vec<_> = started.iter().map(env_file::Shop::of).collect();

    let page = Page::start(&infrastructure, receiver, started, PAGE_PORT, report).await?;
    if let Some(file) = &options.env {
        env_file::write(file, &shops, &page.address)?;
        println!("To try it in a shell: . {}", file.display());
    }
    println!(
        "Logs are in {}. Press Ctrl-C to stop.",
        output.logs().display()
    );
    if options.open
        && let Err(error) = open::that_detached(&page.address)
    {
        println!("No browser could be started ({error}).");
    }
    println!("Open {}", page.address);
    stop.cancelled().await;
    for deployment in page.stop().await? {
        deployment.remove(&infrastructure).await?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(line: &str) {
    eprintln!("{line}");
}

/// A deployment that leaves time to look at an order before it is dispatched.
///
/// # Errors
/// When the name is not that of an arm.
pub(super) fn spec_to_try(arm: &ArmName, settings: &RunSettings) -> anyhow::Result<DeploymentSpec> {
    Ok(DeploymentSpec {
        arm: arm
            .arm()
            .with_context(|| format!("{arm} cannot be started"))?,
        baseline: false,
        name: arm.to_string(),
        replicas: 1,
        entry_gateway: false,
        products: settings.products,
        provider_latency_ms: 0,
        sqs_arguments: vec![],
        cancellation_window: Duration::from_secs(60),
        order_expiry: Duration::from_secs(900),
        overdue: None,
        drill: None,
        seed: settings.seed,
        slowdown: None,
        first_port: None,
        collector: None,
    })
}

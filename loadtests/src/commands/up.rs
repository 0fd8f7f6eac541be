//! `cargo compare up`: starts both architectures, to try them by hand.

use std::process::ExitCode;
use std::time::Duration;

use analysis::model::ArmName;
use analysis::sentences::capitalised;
use anyhow::Context;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use harness::deployment::binaries::Binaries;
use harness::deployment::{Deployment, DeploymentSpec, Infrastructure};
use harness::run::RunSettings;
use tokio_util::sync::CancellationToken;

use crate::cli::DeploymentOptions;
use crate::output::Output;
use crate::settings::{postgres_mode, quick_settings, storage};

/// Starts the arms and prints how to reach them, until Ctrl-C.
pub fn up<'a>(
    options: &'a DeploymentOptions,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    run(options, stop).boxed_local()
}

async fn run(options: &DeploymentOptions, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let settings = quick_settings(options)?;
    let binaries = Binaries::build(&options.arms.on_the_dial())?;
    let output = Output::create()?;

    let mut up = vec![];
    for arm in &options.arms.0 {
        let infrastructure = Infrastructure::start(
            binaries.clone(),
            storage(options),
            postgres_mode(options),
            output.logs(),
        )
        .await?;
        let deployment = Deployment::start(&infrastructure, &spec_to_try(arm, &settings)?).await?;
        println!("{}", introduction(arm, &deployment, &infrastructure)?);
        up.push((deployment, infrastructure));
    }
    println!(
        "Logs are in {}. Press Ctrl-C to stop.",
        output.logs().display()
    );
    stop.cancelled().await;
    for (deployment, infrastructure) in up {
        deployment.remove(&infrastructure).await?;
    }
    Ok(ExitCode::SUCCESS)
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
        drills: false,
        seed: settings.seed,
        slowdown: None,
    })
}

fn introduction(
    arm: &ArmName,
    deployment: &Deployment,
    infrastructure: &Infrastructure,
) -> anyhow::Result<String> {
    let token = infrastructure.tokens(1)?.remove(0);
    let url = &deployment.base_urls[0];
    let mut text = format!("\n{}: {url}\n", capitalised(&arm.phrase()));
    for process in &deployment.processes {
        text += &format!(
            "  {:<20} {}  (pid {})\n",
            process.name,
            process.url,
            process.pid()
        );
    }
    text += &format!(
        "  {:<20} {}\n",
        "payment provider", deployment.provider.process.url
    );
    if let Some(queues) = &deployment.queues {
        text += &format!("  {:<20} {}\n", "SQS", queues.process.url);
    }
    for (context, database) in &deployment.databases {
        text += &format!("  {:<20} {}\n", format!("database {context}"), database.url);
    }
    let order = r#"{"lines":[{"sku":"product-00001","quantity":2}],"payment_method":"tok_ok"}"#;
    text += &format!(
        "Order something:\n  curl -s {url}/orders -H 'content-type: application/json' \\\n    \
         -H 'idempotency-key: first' -H 'authorization: Bearer {token}' \\\n    -d '{order}'\n"
    );
    Ok(text)
}

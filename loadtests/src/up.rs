//! `cargo compare up`: both architectures, to be tried by hand.

use std::process::ExitCode;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio_util::sync::CancellationToken;

use crate::arms::binaries::Binaries;
use crate::arms::deployment::Wanted;
use crate::arms::{Arm, Deployment, Surroundings, described};
use crate::asked::{defaults, postgres, storage};
use crate::cli::DeploymentOptions;
use crate::output::Output;
use crate::plan::Settings;

/// Starts the arms and prints how to reach them, until Ctrl-C.
pub fn up<'a>(
    options: &'a DeploymentOptions,
    stop: &'a CancellationToken,
) -> LocalBoxFuture<'a, anyhow::Result<ExitCode>> {
    run(options, stop).boxed_local()
}

async fn run(options: &DeploymentOptions, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let arms: Vec<Arm> = options.arms.0.iter().map(|(arm, _)| *arm).collect();
    let settings = defaults(options)?;
    let binaries = Binaries::build(&arms)?;
    let output = Output::create()?;

    let mut up = vec![];
    for (arm, label) in &options.arms.0 {
        let around = Surroundings::start(
            binaries.clone(),
            storage(options),
            postgres(options),
            output.logs(),
        )
        .await?;
        let deployment = Deployment::start(&around, &as_for_people(*arm, label, &settings)).await?;
        println!("{}", introduction(label, &deployment, &around)?);
        up.push((deployment, around));
    }
    println!(
        "Logs are in {}. Press Ctrl-C to stop.",
        output.logs().display()
    );
    stop.cancelled().await;
    for (deployment, around) in up {
        deployment.remove(&around).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// With time to look at an order before it is dispatched.
pub(crate) fn as_for_people(arm: Arm, label: &str, settings: &Settings) -> Wanted {
    Wanted {
        arm,
        name: label.to_owned(),
        replicas: 1,
        products: settings.products,
        provider_latency_ms: 0,
        sqs_arguments: vec![],
        cancellation_window: Duration::from_secs(60),
        order_expiry: Duration::from_secs(900),
        seed: settings.seed,
        planted: None,
    }
}

fn introduction(
    label: &str,
    deployment: &Deployment,
    around: &Surroundings,
) -> anyhow::Result<String> {
    let token = around.tokens(1)?.remove(0);
    let url = &deployment.base_urls[0];
    let mut text = format!("\n{} is at {url}\n", described(label));
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

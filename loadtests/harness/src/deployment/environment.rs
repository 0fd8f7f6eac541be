//! The environment variables of a process: how it finds its database, its queues and the services
//! that it calls.

use super::databases::Databases;
use super::infrastructure::Infrastructure;
use super::process::{EnvVars, Process};
use super::spec::DeploymentSpec;
use super::wiring::{CONTEXTS, DATABASE_URLS, URLS, context_of, replicas_of, signs};

/// The connections that a service, or the monolith, may hold: the default of each. More of them are
/// no faster on a few cores, and each has its own caches to warm: with 40 the monolith's Postgres
/// used 1.2 times the CPU at 400 orders per second.
const CONNECTIONS: usize = 8;

/// The variable of what a service does on request, and its values.
pub(crate) const DRILL: &str = "MESSAGING_DRILL";
pub(crate) const NO_DRILL: &str = "off";
pub(crate) const PANIC: &str = "panic";
pub(crate) const NEW_FIELD: &str = "new-field";

/// The variables that set when an answer is overdue.
const OVERDUE: [&str; 5] = [
    "ORDER_UNSETTLED_MS",
    "ORDER_UNDISPATCHED_MS",
    "CANCEL_UNANSWERED_MS",
    "PAYMENT_UNANSWERED_MS",
    "DISPATCH_LATE_MS",
];

/// The parts of a deployment that run already.
pub(super) struct RunningParts<'a> {
    pub(super) provider_url: &'a str,
    /// `None` for an arm without SQS, and where a queue server was running already.
    pub(super) queues_url: Option<&'a str>,
    pub(super) databases: &'a Databases,
    pub(super) processes: &'a [Process],
}

/// The variables that a deployment sets, on top of the environment of this program, which is the
/// same for all arms.
pub(super) fn environment(
    package: &str,
    infrastructure: &Infrastructure,
    spec: &DeploymentSpec,
    parts: &RunningParts<'_>,
    port: u16,
) -> EnvVars {
    let keys = &infrastructure.keys;
    let mut environment = EnvVars::from([
        ("LISTEN_ADDR", format!("127.0.0.1:{port}")),
        ("PAYMENT_PROVIDER_URL", parts.provider_url.to_owned()),
        ("AUTH_PUBLIC_KEY", keys.public.expose().to_owned()),
        (
            "CANCELLATION_WINDOW_MS",
            spec.cancellation_window.as_millis().to_string(),
        ),
        ("ORDER_EXPIRY_MS", spec.order_expiry.as_millis().to_string()),
        // A proxy of this machine is meant for other machines.
        ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
    ]);
    if let Some(drill) = spec.drill {
        environment.insert(DRILL, drill.to_owned());
    }
    if let Some(filter) = infrastructure.log_filter {
        environment.insert("RUST_LOG", filter.to_owned());
    }
    if let Some(collector) = &spec.collector {
        environment.insert("OTEL_EXPORTER_OTLP_ENDPOINT", collector.clone());
    }
    if let Some(overdue) = spec.overdue {
        let overdue = overdue.as_millis().to_string();
        environment.extend(OVERDUE.map(|variable| (variable, overdue.clone())));
    }
    if signs(package) {
        environment.insert("AUTH_PRIVATE_KEY", keys.private.expose().to_owned());
    }
    if let Some(url) = parts.queues_url {
        environment.insert("SQS_ENDPOINT_URL", url.to_owned());
    }
    if let Some(queues) = &infrastructure.queues {
        environment.insert("SQS_ENDPOINT_URL", queues.endpoint.clone());
        environment.insert("QUEUE_PREFIX", queues.prefix.clone());
    }
    let services = match package {
        "all-in-one" => CONTEXTS.len(),
        _ => 1,
    };
    let connections = CONNECTIONS * services;
    environment.insert("DATABASE_POOL_SIZE", connections.to_string());
    if package == "all-in-one" {
        let kind = if spec.arm.uses_sqs() { "sqs" } else { "local" };
        environment.insert("QUEUE_KIND", kind.to_owned());
        for (context, variable) in DATABASE_URLS {
            environment.insert(variable, parts.databases[context].url.clone());
        }
    }
    if let Some(database) = parts.databases.get(context_of(package)) {
        environment.insert("DATABASE_URL", database.url.clone());
    }
    for (package, variable) in URLS {
        let names = parts.processes.iter().map(|one| (&one.name, &one.url));
        let urls = replicas_of(package, names);
        if !urls.is_empty() {
            environment.insert(variable, urls.join(","));
        }
    }
    environment
}

//! Telemetry: logs on standard output, metrics for Prometheus, spans for an OpenTelemetry
//! collector.

use std::io::{IsTerminal, stdout};
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::otlp::{self, Exporter};

/// The default log filter. It hides Postgres's notices that the table of migrations exists.
const DEFAULT_FILTER: &str = "info,sqlx::postgres::notice=warn";

/// At the level trace, Amazon's SDK logs whole messages, with the data of customers in them. To see
/// them, name a module, such as `aws_smithy_runtime::client=trace`.
const WITHOUT_MESSAGES: &str = "aws_smithy_runtime=info";

/// Bucket limits of durations in seconds: about three per power of ten, from 1 ms to 10 s, the
/// default timeout of a request.
const DURATION_BUCKETS: [f64; 13] = [
    0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Sets up logs and spans of the process. `RUST_LOG` is the log filter (default
/// [`DEFAULT_FILTER`]), `LOG_FORMAT` is `text` (default) or `json`. If
/// `OTEL_EXPORTER_OTLP_ENDPOINT` is set, such as to `http://127.0.0.1:4318`, spans are exported to
/// it, and the caller flushes the returned exporter at the end. A second call changes nothing.
pub(crate) fn init(service: &str) -> Option<Exporter> {
    let filter = filter();
    let json = std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json");
    let Some(endpoint) = otlp::endpoint() else {
        let log = tracing_subscriber::fmt().with_env_filter(filter);
        let already_set = if json {
            log.json().flatten_event(true).try_init()
        } else {
            log.with_ansi(stdout().is_terminal()).try_init()
        };
        drop(already_set);
        return None;
    };
    let log = tracing_subscriber::fmt::layer();
    let log = if json {
        log.json().flatten_event(true).boxed()
    } else {
        log.with_ansi(stdout().is_terminal()).boxed()
    };
    let (spans, exporter) = otlp::start(service, endpoint);
    // Each has its own filter, because logs and exported spans differ.
    let subscriber = tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(spans);
    subscriber.try_init().ok().map(|()| exporter)
}

/// `RUST_LOG`, or the default, without whole messages.
fn filter() -> EnvFilter {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    match filter.max_level_hint() {
        // At another level this directive would log more and not less.
        Some(LevelFilter::TRACE) => {
            let directive = WITHOUT_MESSAGES
                .parse()
                .expect("it names a target and a level");
            filter.add_directive(directive)
        }
        _ => filter,
    }
}

/// The metrics of this process. All services of a process share them.
pub(crate) fn metrics() -> &'static PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&DURATION_BUCKETS)
            .expect("the buckets are not empty")
            .build_recorder();
        let handle = recorder.handle();
        drop(metrics::set_global_recorder(recorder));
        handle
    })
}

//! Exports spans to an OpenTelemetry collector, by OTLP over HTTP in JSON. Off unless an endpoint
//! is set.
//!
//! The exporter takes every span with the target `otel`. Such a span carries its own ids in the
//! fields `trace_id`, `span_id` and `parent_id`, because the same ids travel in `traceparent`
//! headers, through outboxes and in messages. A span without valid ids is dropped. The reasons, and
//! why this is not OpenTelemetry's own exporter, are in `docs/adr/0009-spans-carry-their-ids.md`.
//!
//! Spans wait in memory for up to a second and are sent together. A collector that cannot be
//! reached costs spans, and nothing else.

mod document;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use trace_context::spans::TARGET;
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{Filtered, Targets};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use self::document::{Fields, document};

/// Maximum number of spans in memory. More are dropped, so that a slow collector does not make the
/// process grow.
const QUEUE_LENGTH: usize = 8_192;
/// Maximum number of spans per request.
const BATCH: usize = 512;
/// How long spans are collected before they are sent.
const LINGER: Duration = Duration::from_secs(1);
/// Time limit of a request to the collector.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A layer that turns each span of tracing with the target `otel` into one of OpenTelemetry.
pub(crate) struct Export(mpsc::Sender<Work>);

/// The input of the sending task.
enum Work {
    Span(Value),
    /// Send all spans, then confirm.
    Flush(oneshot::Sender<()>),
}

/// A handle that flushes the exporter.
#[derive(Clone)]
pub(crate) struct Exporter(mpsc::Sender<Work>);

/// The collector's URL, from OpenTelemetry's own environment variables.
pub(crate) fn endpoint() -> Option<String> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| {
        let base = variable("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        Some(format!("{}/v1/traces", base.trim_end_matches('/')))
    })
}

/// Starts an exporter to `endpoint` for the spans of `service`.
pub(crate) fn start<S>(service: &str, endpoint: String) -> (Filtered<Export, Targets, S>, Exporter)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (sender, waiting) = mpsc::channel(QUEUE_LENGTH);
    tokio::spawn(export(service.to_owned(), endpoint, waiting));
    let exported = Targets::new().with_target(TARGET, Level::DEBUG);
    (
        Export(sender.clone()).with_filter(exported),
        Exporter(sender),
    )
}

impl Exporter {
    /// Sends the spans that have ended, and waits for it up to the time limit.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.0.send(Work::Flush(done)).await.is_ok() {
            let _ = timeout(TIMEOUT, flushed).await;
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Export {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::new(SystemTime::now());
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let fields = span.extensions_mut().remove::<Fields>();
        let ended = fields.and_then(|fields| fields.ended(span.name(), SystemTime::now()));
        if let Some(ended) = ended {
            // A full queue means that the collector is too slow, which `export` logs.
            let _ = self.0.try_send(Work::Span(ended));
        }
    }
}

async fn export(service: String, endpoint: String, mut waiting: mpsc::Receiver<Work>) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut is_healthy = true;
    while let Some(first) = waiting.recv().await {
        let (mut spans, mut flushed) = (vec![], vec![]);
        let mut take = |work| match work {
            Work::Span(span) => spans.push(span),
            Work::Flush(done) => flushed.push(done),
        };
        take(first);
        let more = async {
            let mut count = 1;
            while count < BATCH
                && let Some(work) = waiting.recv().await
            {
                let is_flush = matches!(work, Work::Flush(_));
                take(work);
                count += 1;
                if is_flush {
                    break;
                }
            }
        };
        let _ = timeout(LINGER, more).await;
        if !spans.is_empty() {
            let sent = post(&client, &endpoint, document(&service, spans)).await;
            if let Err(reason) = &sent
                && is_healthy
            {
                warn!(
                    endpoint,
                    reason, "cannot export spans: they are lost until the collector answers"
                );
            }
            is_healthy = sent.is_ok();
        }
        for done in flushed {
            let _ = done.send(());
        }
    }
}

type HttpClient = Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>;

async fn post(client: &HttpClient, endpoint: &str, document: Vec<u8>) -> Result<(), String> {
    let request = Request::post(endpoint)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(document)))
        .map_err(|error| error.to_string())?;
    let answer = timeout(TIMEOUT, client.request(request)).await;
    let answer = answer.map_err(|_| format!("no answer within {TIMEOUT:?}"))?;
    let status = answer.map_err(|error| error.to_string())?.status();
    match status.is_success() {
        true => Ok(()),
        false => Err(status.to_string()),
    }
}

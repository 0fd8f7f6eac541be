//! Spans for an OpenTelemetry collector, over OTLP/HTTP in JSON. Off unless an endpoint is set.
//!
//! What is exported are the spans with the target `otel`, whoever makes them. They carry their own
//! ids in the fields `trace_id`, `span_id` and `parent_id`, because the same ids travel in
//! `traceparent` headers, through outboxes and in messages; why that, and why no exporter of
//! OpenTelemetry's own, is in `docs/adr/0009-spans-carry-their-ids.md`.
//!
//! Spans wait in memory for up to a second and are sent together. A collector that cannot be
//! reached costs spans, and nothing else.

mod document;

use std::time::{Duration, SystemTime};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{Filtered, Targets};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use self::document::{Fields, document};

/// The target of the spans that are exported.
pub(crate) const TARGET: &str = "otel";

/// Spans that wait at most; beyond that they are lost, as a process must not grow by them.
const WAITING: usize = 8_192;
/// Spans of one document at most.
const BATCH: usize = 512;
/// How long spans are collected.
const LINGER: Duration = Duration::from_secs(1);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes a span of OpenTelemetry's out of one of tracing's.
pub(crate) struct Export(mpsc::Sender<Work>);

/// What the sending task is given.
enum Work {
    Span(Value),
    /// Send what there is, and say so.
    Flush(oneshot::Sender<()>),
}

/// A hand on the exporter.
#[derive(Clone)]
pub(crate) struct Exporter(mpsc::Sender<Work>);

/// Whether spans are wanted just now. It is one load of a flag if not.
pub(crate) fn is_on() -> bool {
    tracing::span_enabled!(target: TARGET, Level::DEBUG)
}

/// Where OpenTelemetry's own variables say that spans go.
pub(crate) fn endpoint() -> Option<String> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| {
        let base = variable("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        Some(format!("{}/v1/traces", base.trim_end_matches('/')))
    })
}

/// Starts to export to `endpoint`, in the name of `service`.
pub(crate) fn start<S>(service: &str, endpoint: String) -> (Filtered<Export, Targets, S>, Exporter)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (sender, waiting) = mpsc::channel(WAITING);
    tokio::spawn(export(service.to_owned(), endpoint, waiting));
    let wanted = Targets::new().with_target(TARGET, Level::DEBUG);
    (Export(sender.clone()).with_filter(wanted), Exporter(sender))
}

impl Exporter {
    /// Sends what has ended by now.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.0.send(Work::Flush(done)).await.is_ok() {
            let _ = timeout(PATIENCE, flushed).await;
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
        if let Some(fields) = span.extensions_mut().remove::<Fields>() {
            // When there is no room the collector is too slow, and has been told of.
            let _ = self
                .0
                .try_send(Work::Span(fields.ended(span.name(), SystemTime::now())));
        }
    }
}

async fn export(service: String, endpoint: String, mut waiting: mpsc::Receiver<Work>) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut is_well = true;
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
                && is_well
            {
                warn!(
                    endpoint,
                    reason, "cannot export spans: those of this time are lost"
                );
            }
            is_well = sent.is_ok();
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
    let answer = timeout(PATIENCE, client.request(request)).await;
    let answer = answer.map_err(|_| format!("no answer within {PATIENCE:?}"))?;
    let status = answer.map_err(|error| error.to_string())?.status();
    match status.is_success() {
        true => Ok(()),
        false => Err(status.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tracing::field::Empty;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[tokio::test]
    async fn a_span_is_written_as_the_specification_says() {
        let (sender, mut ended) = mpsc::channel(1);
        let subscriber = tracing_subscriber::registry().with(Export(sender));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::debug_span!(
                target: TARGET,
                "call",
                otel.name = "send parcels",
                otel.kind = "client",
                otel.status_message = Empty,
                trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
                span_id = "00f067aa0ba902b7",
                links = "00-4bf92f3577b34da6a3ce929d0e0e4736-53995c3f42cd8ad8-01",
                messaging.batch.message_count = 3_u64,
                messaging.system = "aws_sqs",
            );
            span.record("otel.status_message", "throttled");
        });
        let Some(Work::Span(mut span)) = ended.recv().await else {
            panic!("no span ended");
        };
        for time in ["startTimeUnixNano", "endTimeUnixNano"] {
            let nanos = span[time].take();
            assert!(nanos.as_str().unwrap().parse::<u64>().is_ok(), "{nanos}");
        }
        let expected = json!({
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
            "spanId": "00f067aa0ba902b7",
            "parentSpanId": "",
            "name": "send parcels",
            "kind": 3,
            "startTimeUnixNano": null,
            "endTimeUnixNano": null,
            "attributes": [
                { "key": "messaging.batch.message_count", "value": { "intValue": "3" } },
                { "key": "messaging.system", "value": { "stringValue": "aws_sqs" } },
            ],
            "links": [{
                "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
                "spanId": "53995c3f42cd8ad8",
            }],
            "status": { "code": 2, "message": "throttled" },
        });
        assert_eq!(span, expected);
    }
}

//! The exporter held against the official types of OTLP: what it posts is decoded with
//! `opentelemetry-proto`.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use serde_json::json;
use tokio::net::TcpListener;
use tracing::debug_span;
use tracing::field::Empty;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const ROOT: &str = "00f067aa0ba902b7";
const CHILD: &str = "53995c3f42cd8ad8";

/// A collector that decodes each request with the official types.
struct Collector {
    requests: mpsc::Receiver<ExportTraceServiceRequest>,
    endpoint: String,
}

impl Collector {
    async fn start() -> Collector {
        let (sender, requests) = mpsc::channel(8);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let routes = Router::new().route("/v1/traces", post(decode));
        tokio::spawn(axum::serve(listener, routes.with_state(sender)).into_future());
        Collector { requests, endpoint }
    }

    /// The spans that `make` makes, as they arrive.
    async fn spans(mut self, make: impl FnOnce()) -> Vec<Span> {
        let request = self.request(make).await;
        let scopes = request.resource_spans.into_iter();
        let scopes = scopes.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    async fn request(&mut self, make: impl FnOnce()) -> ExportTraceServiceRequest {
        let (layer, exporter) = start("parcels", self.endpoint.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, make);
        exporter.flush().await;
        self.requests.try_recv().unwrap()
    }
}

async fn decode(
    State(requests): State<mpsc::Sender<ExportTraceServiceRequest>>,
    headers: HeaderMap,
    body: Bytes,
) {
    assert_eq!(headers["content-type"], "application/json");
    requests
        .send(serde_json::from_slice(&body).unwrap())
        .await
        .unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(span: &Span) -> Vec<(&str, Any)> {
    let attributes = span.attributes.iter();
    let pair = attributes.map(|pair| (&*pair.key, pair.value.clone().unwrap().value.unwrap()));
    pair.collect()
}

#[tokio::test]
async fn a_request_names_its_service_and_its_scope() {
    let mut collector = Collector::start().await;
    let make = || drop(debug_span!(target: TARGET, "one", trace_id = TRACE, span_id = ROOT));
    let request = collector.request(make).await;

    let [resource] = &*request.resource_spans else {
        panic!("{request:?}");
    };
    let [name] = &*resource.resource.as_ref().unwrap().attributes else {
        panic!("{resource:?}");
    };
    let service = Any::StringValue("parcels".to_owned());
    assert_eq!(name.key, "service.name");
    assert_eq!(name.value.clone().unwrap().value, Some(service));
    assert_eq!(
        resource.scope_spans[0].scope.as_ref().unwrap().name,
        "chassis"
    );
}

#[tokio::test]
async fn ids_times_and_links_arrive() {
    let before = SystemTime::now();
    let spans = Collector::start().await.spans(|| {
        drop(debug_span!(target: TARGET, "root", trace_id = TRACE, span_id = ROOT));
        drop(debug_span!(
            target: TARGET,
            "child",
            otel.name = "send parcels",
            trace_id = display(TRACE),
            span_id = display(CHILD),
            parent_id = display(ROOT),
            links = format!("00-{TRACE}-{ROOT}-01 00-{TRACE}-{CHILD}-00 nonsense"),
        ));
    });
    let spans = spans.await;
    let [root, child] = &*spans else {
        panic!("{spans:?}");
    };

    assert_eq!((&*root.name, &*child.name), ("root", "send parcels"));
    assert_eq!(
        (hex(&root.trace_id), hex(&root.span_id)),
        (TRACE.into(), ROOT.into())
    );
    assert_eq!(
        (hex(&child.trace_id), hex(&child.span_id)),
        (TRACE.into(), CHILD.into())
    );
    assert!(root.parent_span_id.is_empty());
    assert_eq!(hex(&child.parent_span_id), ROOT);
    let links: Vec<(String, String)> = child
        .links
        .iter()
        .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
        .collect();
    assert_eq!(
        links,
        [(TRACE.into(), ROOT.into()), (TRACE.into(), CHILD.into())]
    );
    let nanos = |time: SystemTime| {
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_nanos()
    };
    for span in [root, child] {
        let times = [
            nanos(before),
            span.start_time_unix_nano.into(),
            span.end_time_unix_nano.into(),
            nanos(SystemTime::now()),
        ];
        assert!(times.is_sorted(), "{times:?}");
    }
}

#[tokio::test]
async fn kinds_and_statuses_arrive() {
    let make = |kind: Option<&str>, code: Option<&str>, message: Option<&str>| {
        drop(debug_span!(
            target: TARGET,
            "any",
            otel.kind = kind,
            otel.status_code = code,
            otel.status_message = message,
            trace_id = TRACE,
            span_id = ROOT,
        ));
    };
    let spans = Collector::start().await.spans(|| {
        make(None, None, None);
        make(Some("server"), Some("ERROR"), None);
        make(Some("client"), None, Some("throttled"));
        make(Some("producer"), None, None);
        make(Some("consumer"), None, None);
    });
    let spans = spans.await;

    let kinds: Vec<SpanKind> = spans.iter().map(Span::kind).collect();
    let expected = [
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];
    assert_eq!(kinds, expected);
    let statuses = spans.iter().map(|span| span.status.as_ref().unwrap());
    let statuses: Vec<_> = statuses
        .map(|status| (status.code(), &*status.message))
        .collect();
    assert_eq!(statuses[0], (StatusCode::Unset, ""));
    assert_eq!(statuses[1], (StatusCode::Error, ""));
    assert_eq!(statuses[2], (StatusCode::Error, "throttled"));
}

#[tokio::test]
async fn attributes_arrive_with_their_types_and_the_last_value() {
    let spans = Collector::start().await.spans(|| {
        let span = debug_span!(
            target: TARGET,
            "any",
            trace_id = TRACE,
            span_id = ROOT,
            text = "aws_sqs",
            negative = -3_i64,
            count = 3_u64,
            largest = u64::MAX,
            half = 0.5,
            not_a_number = f64::NAN,
            flag = true,
            later = Empty,
            never = Empty,
        );
        span.record("later", 1);
        span.record("later", 2);
    });
    let spans = spans.await;

    let text = |text: &str| Any::StringValue(text.to_owned());
    let expected = [
        ("text", text("aws_sqs")),
        ("negative", Any::IntValue(-3)),
        ("count", Any::IntValue(3)),
        ("largest", text("18446744073709551615")),
        ("half", Any::DoubleValue(0.5)),
        ("not_a_number", text("NaN")),
        ("flag", Any::BoolValue(true)),
        ("later", Any::IntValue(2)),
    ];
    assert_eq!(attributes(&spans[0]), expected);
}

#[tokio::test]
async fn a_span_without_valid_ids_does_not_spoil_the_request() {
    let zeroes = "0".repeat(32);
    let spans = Collector::start().await.spans(|| {
        drop(debug_span!(target: TARGET, "no ids"));
        drop(debug_span!(target: TARGET, "short", trace_id = "4bf9", span_id = ROOT));
        drop(debug_span!(target: TARGET, "zeroes", trace_id = zeroes, span_id = ROOT));
        drop(debug_span!(target: TARGET, "valid", trace_id = TRACE, span_id = ROOT));
        drop(debug_span!(target: "elsewhere", "not exported", trace_id = TRACE, span_id = ROOT));
    });
    let names: Vec<String> = spans.await.into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["valid"]);
}

/// The claims above are about meaning. This one is about the text of one span.
#[tokio::test]
async fn a_span_is_written_as_the_specification_says() {
    let (sender, mut ended) = mpsc::channel(1);
    let subscriber = tracing_subscriber::registry().with(Export(sender));
    tracing::subscriber::with_default(subscriber, || {
        let span = debug_span!(
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

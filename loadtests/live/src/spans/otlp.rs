//! Reads a request of OTLP. Source: OTLP specification 1.8, "JSON Protobuf encoding".

use serde::Deserialize;
use serde_json::Value;

/// A span that has ended, as far as a journey needs it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Span {
    pub(crate) trace: u128,
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Milliseconds since 1970.
    pub(crate) begin_ms: f64,
    pub(crate) end_ms: f64,
    /// `messaging.destination.name`.
    pub(crate) queue: Option<String>,
    /// `messaging.message.id`.
    pub(crate) message: Option<String>,
    /// `messaging.message.kind`: the fact that the message is about.
    pub(crate) fact: Option<String>,
    /// `messaging.message.receive_count`.
    pub(crate) attempt: u64,
    /// `http.response.status_code`.
    pub(crate) status: Option<u64>,
    pub(crate) error: Option<String>,
    /// The traces of linked spans.
    pub(crate) links: Vec<u128>,
}

/// The kinds of OTLP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    resource: Resource,
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct Resource {
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    spans: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    parent_span_id: String,
    name: String,
    #[serde(default)]
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    links: Vec<Link>,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    trace_id: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: u8,
    #[serde(default)]
    message: String,
}

/// The code of a span that failed.
const ERROR: u8 = 2;

/// The spans of a request. Polls are left out: a journey shows the messages that they found.
pub(super) fn spans(body: &[u8]) -> serde_json::Result<Vec<Span>> {
    let request: Request = serde_json::from_slice(body)?;
    let mut spans = vec![];
    for group in request.resource_spans {
        let service = text(&group.resource.attributes, "service.name").unwrap_or_default();
        let sent = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(sent.filter_map(|sent| span(&service, sent)));
    }
    Ok(spans)
}

/// `None` for a poll, and for a span with malformed ids or times.
fn span(service: &str, sent: Sent) -> Option<Span> {
    if sent.name.starts_with("receive ") {
        return None;
    }
    let attributes = &sent.attributes;
    let number = |key| text(attributes, key)?.parse().ok();
    let failed = sent.status.code == ERROR;
    Some(Span {
        trace: trace(&sent.trace_id)?,
        id: sent.span_id,
        parent: Some(sent.parent_span_id).filter(|parent| !parent.is_empty()),
        service: service.to_owned(),
        kind: match sent.kind {
            2 => Kind::Server,
            3 => Kind::Client,
            4 => Kind::Producer,
            5 => Kind::Consumer,
            _ => Kind::Internal,
        },
        begin_ms: milliseconds(&sent.start_time_unix_nano)?,
        end_ms: milliseconds(&sent.end_time_unix_nano)?,
        queue: text(attributes, "messaging.destination.name"),
        message: text(attributes, "messaging.message.id"),
        fact: text(attributes, "messaging.message.kind"),
        attempt: number("messaging.message.receive_count").unwrap_or(1),
        status: number("http.response.status_code"),
        error: failed.then_some(sent.status.message),
        links: sent
            .links
            .iter()
            .filter_map(|link| trace(&link.trace_id))
            .collect(),
        name: sent.name,
    })
}

fn trace(hex: &str) -> Option<u128> {
    u128::from_str_radix(hex, 16).ok()
}

/// A 64-bit number of nanoseconds is text. A fraction of a microsecond is lost.
fn milliseconds(nanoseconds: &str) -> Option<f64> {
    Some(nanoseconds.parse::<u64>().ok()? as f64 / 1e6)
}

/// An attribute of any type as text.
fn text(attributes: &[Attribute], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    let (_, value) = found.value.as_object()?.iter().next()?;
    Some(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

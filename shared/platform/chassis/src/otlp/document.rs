//! The format of spans on the wire.
//! Source: OTLP specification 1.8, "JSON Protobuf encoding": ids in hexadecimal, names of fields in
//! lower camel case, 64-bit numbers as text, enumerations as numbers.

use std::fmt::Debug;
use std::time::SystemTime;

use serde_json::{Value, json};
use tracing::field::{Field, Visit};

/// The data of a span that has not ended.
pub(super) struct Fields {
    started: SystemTime,
    name: Option<String>,
    kind: u8,
    trace_id: String,
    span_id: String,
    parent_id: String,
    links: Vec<Value>,
    error: Option<String>,
    attributes: Vec<Value>,
}

const INTERNAL: u8 = 1;
const ERROR: u8 = 2;

impl Fields {
    pub(super) fn new(started: SystemTime) -> Fields {
        Fields {
            started,
            name: None,
            kind: INTERNAL,
            trace_id: String::new(),
            span_id: String::new(),
            parent_id: String::new(),
            links: vec![],
            error: None,
            attributes: vec![],
        }
    }

    /// The finished span. `None` without valid ids: a collector may reject the whole request for
    /// one such span.
    pub(super) fn ended(self, name: &str, ended: SystemTime) -> Option<Value> {
        if !is_id(&self.trace_id, 16) || !is_id(&self.span_id, 8) {
            return None;
        }
        let status = match self.error {
            Some(message) => json!({ "code": ERROR, "message": message }),
            None => json!({}),
        };
        Some(json!({
            "traceId": self.trace_id,
            "spanId": self.span_id,
            "parentSpanId": self.parent_id,
            "name": self.name.as_deref().unwrap_or(name),
            "kind": self.kind,
            "startTimeUnixNano": nanos(self.started),
            "endTimeUnixNano": nanos(ended),
            "attributes": self.attributes,
            "links": self.links,
            "status": status,
        }))
    }

    fn attribute(&mut self, key: &str, value: Value) {
        // A later value replaces the earlier one.
        self.attributes.retain(|attribute| attribute["key"] != key);
        self.attributes.push(json!({ "key": key, "value": value }));
    }

    fn text(&mut self, key: &str, value: &str) {
        match key {
            "otel.name" => self.name = Some(value.to_owned()),
            "otel.kind" => self.kind = kind(value),
            "otel.status_code" => drop(self.error.get_or_insert_default()),
            "otel.status_message" => self.error = Some(value.to_owned()),
            "trace_id" => self.trace_id = value.to_owned(),
            "span_id" => self.span_id = value.to_owned(),
            "parent_id" => self.parent_id = value.to_owned(),
            "links" => self.links = value.split(' ').filter_map(link).collect(),
            key => self.attribute(key, json!({ "stringValue": value })),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.attribute(field.name(), json!({ "intValue": value.to_string() }));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        // OTLP has signed integers only. A value beyond them is sent as text.
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.text(field.name(), &value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no number for NaN and the infinities. They are sent as text.
        match value.is_finite() {
            true => self.attribute(field.name(), json!({ "doubleValue": value })),
            false => self.text(field.name(), &value.to_string()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.attribute(field.name(), json!({ "boolValue": value }));
    }
}

/// The body of a request.
pub(super) fn document(service: &str, spans: Vec<Value>) -> Vec<u8> {
    let name = json!({ "key": "service.name", "value": { "stringValue": service } });
    let document = json!({
        "resourceSpans": [{
            "resource": { "attributes": [name] },
            "scopeSpans": [{ "scope": { "name": "chassis" }, "spans": spans }],
        }],
    });
    document.to_string().into_bytes()
}

fn kind(name: &str) -> u8 {
    match name {
        "server" => 2,
        "client" => 3,
        "producer" => 4,
        "consumer" => 5,
        _ => INTERNAL,
    }
}

/// A link to the span of a `traceparent`. `None` without valid ids.
fn link(context: &str) -> Option<Value> {
    let mut parts = context.split('-').skip(1);
    let (trace, span) = (parts.next()?, parts.next()?);
    let is_valid = is_id(trace, 16) && is_id(span, 8);
    is_valid.then(|| json!({ "traceId": trace, "spanId": span }))
}

/// Whether `text` is this many bytes in hexadecimal, and not all zeroes.
fn is_id(text: &str, bytes: usize) -> bool {
    let is_hex = text.bytes().all(|digit| digit.is_ascii_hexdigit());
    text.len() == 2 * bytes && is_hex && text.bytes().any(|digit| digit != b'0')
}

fn nanos(time: SystemTime) -> String {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    since.as_nanos().to_string()
}

//! Spans by OpenTelemetry's semantic conventions for messaging: a push *creates* a message, the
//! relay *sends* it, a poll *receives* it, and a handler *processes* it.
//! Source: "Semantic conventions for messaging spans" and "for AWS SQS", version 1.37.
//!
//! They are spans of the crate `tracing` with the target `otel` and the level `DEBUG`. The runtime
//! makes their ids, because the same ids travel through the outbox and the queue. They are in the
//! fields `trace_id`, `span_id` and `parent_id`, and in `links`, separated by blanks. Without a
//! subscriber nothing is computed.

use trace_context::spans::{TARGET, are_exported};
use tracing::{Instrument as _, Span, debug_span, field};

use crate::envelope::{Delivery, Outgoing};
use crate::trace::{self, TraceParent};

/// The span of a handler that works on one message, and the trace that it continues.
#[derive(Clone)]
pub(crate) struct MessageSpan {
    pub(crate) trace: Option<TraceParent>,
    pub(crate) span: Span,
}

/// Whether spans of this trace are recorded. `None` is a trace that would begin here.
fn is_recorded(parent: Option<TraceParent>) -> bool {
    are_exported() && parent.is_none_or(TraceParent::is_sampled)
}

/// Records the creation of a message. Returns the context that the message carries: that of its
/// creation if spans are recorded, otherwise `parent`.
pub(crate) fn create(
    parent: Option<TraceParent>,
    queue: &str,
    id: impl std::fmt::Display,
    kind: &str,
) -> Option<TraceParent> {
    if !is_recorded(parent) {
        return parent;
    }
    let own = parent.map_or_else(|| TraceParent::root(true), TraceParent::child);
    let span = debug_span!(
        target: TARGET,
        parent: None,
        "create",
        otel.name = format!("create {queue}"),
        otel.kind = "producer",
        trace_id = field::display(own.trace_hex()),
        span_id = field::display(own.span_hex()),
        parent_id = parent.map(|parent| field::display(parent.span_hex())),
        messaging.system = "aws_sqs",
        messaging.operation.name = "create",
        messaging.operation.r#type = "create",
        messaging.destination.name = queue,
        messaging.message.id = field::display(id),
        messaging.message.kind = kind,
    );
    drop(span);
    Some(own)
}

/// The span of one call that sends messages to a queue.
pub(crate) fn send(queue: &str, messages: &[Outgoing]) -> Span {
    if !is_recorded(None) {
        return Span::none();
    }
    let contexts = messages
        .iter()
        .map(|message| message.trace_parent.as_deref());
    call("send", "send", queue, messages.len(), contexts)
}

/// The span of a poll. [`received`] adds its result.
pub(crate) fn receive(queue: &str) -> Span {
    if !is_recorded(None) {
        return Span::none();
    }
    call("receive", "receive", queue, 0, std::iter::empty())
}

/// Adds the messages of a poll to its span.
pub(crate) fn received(span: &Span, batch: &[Delivery]) {
    if span.is_disabled() {
        return;
    }
    let contexts = batch
        .iter()
        .map(|delivery| delivery.trace_parent.as_deref());
    span.record("links", links(contexts));
    span.record("messaging.batch.message_count", batch.len());
}

/// Marks a span as failed.
pub(crate) fn failed(span: &Span, kind: &str, reason: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("otel.status_message", reason);
    span.record("error.type", kind);
}

/// The span of a call to SQS. It belongs to the trace of its messages if all have the same, and is
/// linked to each of them in any case.
fn call<'a>(
    name: &'static str,
    operation_type: &'static str,
    queue: &str,
    count: usize,
    contexts: impl Iterator<Item = Option<&'a str>> + Clone,
) -> Span {
    let mut parents = contexts
        .clone()
        .map(|context| context?.parse::<TraceParent>().ok());
    let first = parents.next().flatten();
    let parent = first.filter(|first| {
        parents.all(|other| other.is_some_and(|other| other.trace_id == first.trace_id))
    });
    let own = parent.map_or_else(|| TraceParent::root(true), TraceParent::child);
    debug_span!(
        target: TARGET,
        parent: None,
        "call",
        otel.name = format!("{name} {queue}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        otel.status_message = field::Empty,
        error.r#type = field::Empty,
        trace_id = field::display(own.trace_hex()),
        span_id = field::display(own.span_hex()),
        parent_id = parent.map(|parent| field::display(parent.span_hex())),
        links = links(contexts),
        messaging.system = "aws_sqs",
        messaging.operation.name = name,
        messaging.operation.r#type = operation_type,
        messaging.destination.name = queue,
        messaging.batch.message_count = count,
    )
}

fn links<'a>(contexts: impl Iterator<Item = Option<&'a str>>) -> String {
    contexts.flatten().collect::<Vec<_>>().join(" ")
}

impl MessageSpan {
    /// Runs `work` in the span.
    pub(crate) async fn within<F: Future>(&self, work: F) -> F::Output {
        match self.trace {
            Some(trace) if self.span.is_disabled() => trace::scope(trace, work).await,
            Some(trace) => trace::scope(trace, work.instrument(self.span.clone())).await,
            None => work.await,
        }
    }

    /// The span of a handler's work on a message. `operation` is `process`, or `prepare` before the
    /// transaction. Its parent is the creation of the message.
    pub(crate) fn new(operation: &'static str, queue: &str, delivery: &Delivery) -> MessageSpan {
        let parent = delivery
            .trace_parent
            .as_deref()
            .and_then(|text| text.parse().ok());
        if !is_recorded(parent) {
            return MessageSpan {
                trace: parent.map(TraceParent::child),
                span: Span::none(),
            };
        }
        let own = parent.map_or_else(|| TraceParent::root(true), TraceParent::child);
        let span = debug_span!(
            target: TARGET,
            parent: None,
            "process",
            otel.name = format!("{operation} {queue}"),
            otel.kind = "consumer",
            otel.status_code = field::Empty,
            otel.status_message = field::Empty,
            error.r#type = field::Empty,
            trace_id = field::display(own.trace_hex()),
            span_id = field::display(own.span_hex()),
            parent_id = parent.map(|parent: TraceParent| field::display(parent.span_hex())),
            messaging.system = "aws_sqs",
            messaging.operation.name = operation,
            messaging.operation.r#type = "process",
            messaging.destination.name = queue,
            messaging.message.id = field::display(delivery.id),
            messaging.message.receive_count = delivery.receive_count,
        );
        MessageSpan {
            trace: Some(own),
            span,
        }
    }
}

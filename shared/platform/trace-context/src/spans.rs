//! Spans of the crate `tracing` that carry their own ids. A subscriber to the target `otel` exports
//! them. Without a subscriber nothing is computed.
//!
//! `docs/adr/0009-spans-carry-their-ids.md` has the reasons.

use std::fmt::Display;

use tracing::{Level, Span, debug_span, field};

use crate::current;

/// The target of the spans that are exported. Their level is `DEBUG`.
pub const TARGET: &str = "otel";

/// Whether spans are exported. Costs one load of a flag if not.
pub fn are_exported() -> bool {
    tracing::span_enabled!(target: TARGET, Level::DEBUG)
}

/// The span of a call from the running task to another system. It ends when it is dropped. `name`
/// is what it does, such as `POST authorizations`.
///
/// The caller records what is called, in the field `db.system.name` or `server.address`. The span
/// is disabled if the task has no trace, its trace is not sampled, or spans are not exported.
/// Source: OpenTelemetry's semantic conventions for database and for HTTP spans, version 1.37.
pub fn of_call(name: impl Display) -> Span {
    let parent = current().filter(|trace| trace.is_sampled());
    let Some(parent) = parent.filter(|_| are_exported()) else {
        return Span::none();
    };
    let own = parent.child();
    debug_span!(
        target: TARGET,
        parent: None,
        "call",
        otel.name = field::display(name),
        otel.kind = "client",
        trace_id = field::display(own.trace_hex()),
        span_id = field::display(own.span_hex()),
        parent_id = field::display(parent.span_hex()),
        db.system.name = field::Empty,
        server.address = field::Empty,
    )
}

//! The W3C trace context of a message, carried from its sender to its handler.
//!
//! Each message that a transaction [pushes](crate::Tx::push) continues the transaction's trace. In
//! a handler that is the trace of its message; in a request it is the argument of
//! [`Outbox::traced`](crate::Outbox::traced). [`current`] is the trace of the running task, which
//! the consumer sets for handlers and [`scope`] sets elsewhere. It works without a subscriber.
//!
//! A subscriber to the target `otel` gets these spans, with names and attributes by OpenTelemetry's
//! conventions and the ids that the messages carry:
//!
//! | span | kind | when | parent |
//! | --- | --- | --- | --- |
//! | `create <queue>` | producer | a message is pushed | the work that pushes it |
//! | `send <queue>` | client | the relay calls SQS | the creation, if all are of one trace |
//! | `receive <queue>` | client | a poll is open | none; linked to what it received |
//! | `prepare <queue>` | consumer | the call before a transaction | the creation of the message |
//! | `process <queue>` | consumer | the handler, in its transaction | the creation of the message |
//!
//! ```
//! use messaging::trace::{self, TraceParent};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), trace::MalformedTraceParent> {
//! let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
//! let request: TraceParent = header.parse()?;
//! // A transaction that begins in here continues the trace.
//! let carried = trace::scope(request, async { trace::current() }).await;
//! assert_eq!(carried, Some(request));
//! # Ok(())
//! # }
//! ```

pub use trace_context::{MalformedTraceParent, TraceParent, current, scope};

/// The context in X-Ray's format, for `AWSTraceHeader`. `None` for a trace that is not sampled,
/// which X-Ray does not record.
/// Source: "AWS X-Ray concepts, tracing header" in the X-Ray developer guide.
pub(crate) fn xray_header(trace_parent: &str) -> Option<String> {
    let trace: TraceParent = trace_parent.parse().ok()?;
    let id = format!("{:032x}", trace.trace_id);
    let (time, rest) = id.split_at(8);
    let header = format!(
        "Root=1-{time}-{rest};Parent={:016x};Sampled=1",
        trace.parent_id
    );
    trace.is_sampled().then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn x_ray_gets_the_same_trace() {
        let header = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";
        assert_eq!(xray_header(RECORDED).as_deref(), Some(header));
        assert_eq!(xray_header(&RECORDED.replace("-01", "-00")), None);
    }
}

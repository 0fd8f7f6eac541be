//! W3C trace context: carried from the sender of a message to its handler.
//!
//! A transaction has a trace, which each message that it [pushes](crate::Tx::push) carries on: in
//! a handler that of the message at hand, and in a request the one that
//! [`Outbox::traced`](crate::Outbox::traced) was given. [`current`] is the trace of the running
//! task, which the consumer sets around handlers, and [`scope`] sets it elsewhere. All of it needs
//! no subscriber.
//!
//! A subscriber to spans of the target `otel` gets these, named and attributed by OpenTelemetry's
//! conventions, with the ids that the messages carry:
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
//! // A transaction that begins in here carries the trace on.
//! let carried = trace::scope(request, async { trace::current() }).await;
//! assert_eq!(carried, Some(request));
//! # Ok(())
//! # }
//! ```

use tokio::task::futures::TaskLocalFuture;
pub use trace_context::{MalformedTraceParent, TraceParent};

tokio::task_local! {
    static CURRENT: TraceParent;
}

/// The trace of the running task, if it has one.
pub fn current() -> Option<TraceParent> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// Does `work` in the trace: transactions that begin in it and messages that are published in it
/// carry it on.
pub fn scope<F: Future>(trace: TraceParent, work: F) -> TaskLocalFuture<TraceParent, F> {
    CURRENT.scope(trace, work)
}

/// The same context as X-Ray writes it, for `AWSTraceHeader`; only for a trace that is sampled,
/// since nothing else reads it.
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
    fn x_ray_reads_the_same_trace() {
        let header = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";
        assert_eq!(xray_header(RECORDED).as_deref(), Some(header));
        assert_eq!(xray_header(&RECORDED.replace("-01", "-00")), None);
    }
}

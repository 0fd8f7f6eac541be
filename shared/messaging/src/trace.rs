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

use std::fmt;
use std::str::FromStr;

use tokio::task::futures::TaskLocalFuture;

/// A `traceparent` (W3C Trace Context, level 1, section 3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TraceParent {
    pub trace_id: u128,
    /// The span that caused whatever carries this.
    pub parent_id: u64,
    /// Bit 0: the trace is recorded.
    pub flags: u8,
}

/// The text is no `traceparent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a traceparent: expected version, trace id, parent id and flags in lower-case hex")]
pub struct MalformedTraceParent;

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

impl TraceParent {
    /// A trace that begins here. `recorded` says whether its parts are to be kept.
    pub fn root(recorded: bool) -> TraceParent {
        TraceParent {
            trace_id: rand::random_range(1..=u128::MAX),
            parent_id: 0,
            flags: u8::from(recorded),
        }
        .child()
    }

    /// The same trace, one step further in.
    pub fn child(self) -> TraceParent {
        TraceParent {
            parent_id: rand::random_range(1..=u64::MAX),
            ..self
        }
    }

    pub(crate) fn trace_hex(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:032x}", self.trace_id))
    }

    pub(crate) fn span_hex(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:016x}", self.parent_id))
    }

    /// Whether the trace is sampled.
    pub fn is_recorded(self) -> bool {
        self.flags & 1 == 1
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TraceParent {
            trace_id,
            parent_id,
            flags,
        } = self;
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

impl FromStr for TraceParent {
    type Err = MalformedTraceParent;

    fn from_str(text: &str) -> Result<TraceParent, MalformedTraceParent> {
        let mut parts = text.split('-');
        let mut next = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits);
            let part = part.ok_or(MalformedTraceParent)?;
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if !part.bytes().all(is_hex) {
                return Err(MalformedTraceParent);
            }
            u128::from_str_radix(part, 16).map_err(|_| MalformedTraceParent)
        };
        let version = next(2)?;
        let trace = TraceParent {
            trace_id: next(32)?,
            parent_id: next(16)? as u64,
            flags: next(2)? as u8,
        };
        // A later version may say more behind the part that is known; 255 is forbidden.
        let ends_well = version > 0 || parts.next().is_none();
        match version == 255 || trace.trace_id == 0 || trace.parent_id == 0 || !ends_well {
            true => Err(MalformedTraceParent),
            false => Ok(trace),
        }
    }
}

/// The same context as X-Ray writes it, for `AWSTraceHeader`; only for a trace that is recorded,
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
    trace.is_recorded().then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_a_well_formed_parent_is_carried_on() {
        let check = |text: &str, accepted: bool| {
            assert_eq!(text.parse::<TraceParent>().is_ok(), accepted, "{text}");
        };
        check(RECORDED, true);
        check(&RECORDED.replacen("00-", "cc-", 1), true);
        check(&RECORDED.replacen("00-", "ff-", 1), false);
        check(&RECORDED.to_uppercase(), false);
        check(
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            false,
        );
        check(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            false,
        );
        check("", false);
    }

    #[test]
    fn x_ray_reads_the_same_trace() {
        let header = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1";
        assert_eq!(xray_header(RECORDED).as_deref(), Some(header));
        assert_eq!(xray_header(&RECORDED.replace("-01", "-00")), None);
    }
}

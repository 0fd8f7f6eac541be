//! The W3C trace context of a request or a message: its trace, and the span that caused it.
//!
//! Source: W3C Trace Context, level 1, section 3.2.

pub mod spans;

use std::fmt;
use std::str::FromStr;

use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static CURRENT: TraceParent;
}

/// The trace of the running task, if it has one. It works without a subscriber.
pub fn current() -> Option<TraceParent> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// Runs `work` in a trace: spans that begin in it, transactions and messages continue the trace.
pub fn scope<F: Future>(trace: TraceParent, work: F) -> TaskLocalFuture<TraceParent, F> {
    CURRENT.scope(trace, work)
}

/// The value of a `traceparent` header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TraceParent {
    /// The id of the trace, never 0.
    pub trace_id: u128,
    /// The id of the span that caused the request or message, never 0.
    pub parent_id: u64,
    /// Flags. Bit 0 says that the trace is sampled; other bits are passed on.
    pub flags: u8,
}

/// The error of a text that is not a `traceparent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a traceparent: expected version, trace id, parent id and flags in lower-case hex")]
pub struct MalformedTraceParent;

impl TraceParent {
    /// Begins a trace. `sampled` says whether its spans are exported.
    pub fn root(sampled: bool) -> TraceParent {
        TraceParent {
            trace_id: rand::random_range(1..=u128::MAX),
            parent_id: rand::random_range(1..=u64::MAX),
            flags: u8::from(sampled),
        }
    }

    /// Begins a span in the same trace.
    pub fn child(self) -> TraceParent {
        TraceParent {
            parent_id: rand::random_range(1..=u64::MAX),
            ..self
        }
    }

    /// Whether the spans of the trace are exported.
    pub fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }

    /// The id of the whole trace, as 32 hexadecimal digits.
    pub fn trace_hex(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:032x}", self.trace_id))
    }

    /// The id of the span, as 16 hexadecimal digits.
    pub fn span_hex(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:016x}", self.parent_id))
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
        let parent = TraceParent {
            trace_id: next(32)?,
            parent_id: next(16)? as u64,
            flags: next(2)? as u8,
        };

        // Later versions may append fields. Version 255 is forbidden.
        let has_extra = version == 0 && parts.next().is_some();
        if version == 255 || parent.trace_id == 0 || parent.parent_id == 0 || has_extra {
            return Err(MalformedTraceParent);
        }
        Ok(parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_parent_is_continued() {
        let check = |text: &str, accepted: bool| {
            assert_eq!(text.parse::<TraceParent>().is_ok(), accepted, "{text}");
        };
        check(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            true,
        );
        check(
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            true,
        );
        check(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            false,
        );
        check(
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            false,
        );
        check(
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            false,
        );
        check(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            false,
        );
        check(
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            false,
        );
        check(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            false,
        );
        check(
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            false,
        );
        check("", false);
    }

    #[test]
    fn a_child_stays_in_its_trace() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent: TraceParent = header.parse().unwrap();
        assert_eq!(parent.to_string(), header);

        let child = parent.child().to_string();
        assert_ne!(child, header);
        assert!(child.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert!(child.ends_with("-01"));
    }
}

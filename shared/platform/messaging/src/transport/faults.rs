//! Fault injection, for tests: SQS takes part of a batch, or does what a call asks and the answer
//! is lost.

use std::sync::Arc;

use super::{EntryResult, Refused};

/// A call about one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueCall {
    Send,
    Delete,
    /// Heartbeats, backoffs and returns.
    ChangeVisibility,
}

/// What happens to the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallFault {
    /// It succeeds.
    None,
    /// It fails, and may succeed when it is tried again.
    Refused,
    /// It fails for good: the receipt is no longer valid.
    Stale,
    /// It succeeds, and the caller gets an error.
    Ambiguous,
}

type Plan = dyn Fn(QueueCall) -> CallFault + Send + Sync;

#[derive(Clone, Default)]
pub(super) struct Faults(Option<Arc<Plan>>);

impl Faults {
    pub(super) fn planned(plan: impl Fn(QueueCall) -> CallFault + Send + Sync + 'static) -> Faults {
        Faults(Some(Arc::new(plan)))
    }

    /// Makes the call, or not, and returns its result, or an error in its place.
    pub(super) fn apply(&self, call: QueueCall, make: impl FnOnce() -> EntryResult) -> EntryResult {
        let fault = self.0.as_ref().map_or(CallFault::None, |plan| plan(call));
        let refused = |is_final| Refused {
            reason: format!("{fault:?}, as planned"),
            is_final,
        };
        match fault {
            CallFault::None => make(),
            CallFault::Refused => Err(refused(false)),
            CallFault::Stale => Err(refused(true)),
            CallFault::Ambiguous => make().and(Err(refused(false))),
        }
    }
}

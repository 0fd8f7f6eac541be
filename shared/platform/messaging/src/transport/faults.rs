//! The faults of the queues in this process: a plan decides which call fails.

use std::sync::Arc;

use sqs_queue::faults::{CallFault, QueueCall};

use super::{EntryResult, Refused};

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
        fault.inject(make, |fault| Refused {
            reason: format!("{fault:?}, as planned"),
            is_final: fault == CallFault::Stale,
        })
    }
}

//! What may happen to a call, for tests: SQS takes part of a batch, or does what it was asked and
//! never answers.

use std::sync::Arc;

use super::{Refused, Settled};

/// A call about one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    Send,
    Delete,
    /// Heartbeats, backoffs and releases.
    Hide,
}

/// What becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mishap {
    /// It is done.
    None,
    /// It is not done.
    Refused,
    /// It is not done, and never will be: the receipt is no longer good.
    Stale,
    /// It is done, and the caller is told that it is not.
    Ambiguous,
}

type Plan = dyn Fn(Call) -> Mishap + Send + Sync;

#[derive(Clone, Default)]
pub(super) struct Mishaps(Option<Arc<Plan>>);

impl Mishaps {
    pub(super) fn planned(plan: impl Fn(Call) -> Mishap + Send + Sync + 'static) -> Mishaps {
        Mishaps(Some(Arc::new(plan)))
    }

    /// Does `what`, or not, and tells so, or not.
    pub(super) fn befall(&self, call: Call, what: impl FnOnce() -> Settled) -> Settled {
        let mishap = self.0.as_ref().map_or(Mishap::None, |plan| plan(call));
        let refused = |is_final| Refused {
            reason: format!("{mishap:?}, as planned"),
            is_final,
        };
        match mishap {
            Mishap::None => what(),
            Mishap::Refused => Err(refused(false)),
            Mishap::Stale => Err(refused(true)),
            Mishap::Ambiguous => what().and(Err(refused(false))),
        }
    }
}

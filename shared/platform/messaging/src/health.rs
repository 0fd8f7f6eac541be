//! The health of queues and outbox, for readiness checks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{info, warn};

/// The current problems of a runtime. It logs one line when a check begins to fail, and one when it
/// works again.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, String>>>);

const NOT_TRIED: &str = "not tried yet";

impl Health {
    /// Whether there are no problems.
    pub fn is_healthy(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// The problems, each as the name of a check and its reason.
    pub fn problems(&self) -> Vec<String> {
        let problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        problems
            .iter()
            .map(|(what, why)| format!("{what}: {why}"))
            .collect()
    }

    /// Marks a check as pending: unhealthy, but not logged as a failure.
    pub(crate) fn expects(&self, what: &str) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        problems.insert(what.to_owned(), NOT_TRIED.to_owned());
    }

    /// Records that a check works.
    pub(crate) fn works(&self, what: &str) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.remove(what).is_some() {
            info!(what, "works");
        }
    }

    /// Records that a check fails.
    pub(crate) fn fails(&self, what: &str, error: &str) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = problems.insert(what.to_owned(), error.to_owned());
        if before.is_none_or(|before| before == NOT_TRIED) {
            warn!(what, error, "does not work, and is tried again");
        }
    }
}

//! Whether the queues can be reached, for readiness.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{info, warn};

/// What does not work just now. One line is logged when something breaks, one when it is mended.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, String>>>);

const NOT_TRIED: &str = "not tried yet";

impl Health {
    /// Whether everything works.
    pub fn is_healthy(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// What does not work, each with its reason.
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

    pub(crate) fn works(&self, what: &str) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.remove(what).is_some() {
            info!(what, "works");
        }
    }

    pub(crate) fn fails(&self, what: &str, error: &str) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = problems.insert(what.to_owned(), error.to_owned());
        if before.is_none_or(|before| before == NOT_TRIED) {
            warn!(what, error, "does not work, and is tried again");
        }
    }
}

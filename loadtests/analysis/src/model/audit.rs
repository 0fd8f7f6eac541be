//! What the audit of a run found.

use serde::{Deserialize, Serialize};

/// The promise whose check looks at every accepted order, those of the warm-ups too.
pub const ACCEPTED_ARE_KEPT: &str = "every accepted order is on record";

/// The promises that were checked after the run. An audit that could not run says why.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Audit {
    pub checks: Vec<Check>,
    pub not_run: Option<String>,
}

/// One promise, checked over all rows of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Check {
    /// The promise, as a sentence.
    pub promise: String,
    /// How many orders, products or queues were looked at.
    pub examined: u64,
    pub broken: u64,
    /// The first item that broke it.
    pub example: Option<String>,
}

impl Check {
    /// Whether it examined every accepted order. Earlier versions had another name for it.
    pub fn counts_accepted_orders(&self) -> bool {
        [ACCEPTED_ARE_KEPT, "every accepted order is on the books"].contains(&self.promise.as_str())
    }
}

impl Audit {
    pub fn passed(&self) -> bool {
        self.not_run.is_none()
            && !self.checks.is_empty()
            && self.checks.iter().all(|check| check.broken == 0)
    }

    /// The first broken promise with what broke it first, or why there is no audit.
    pub fn failure(&self) -> Option<String> {
        let broken = self.checks.iter().find(|check| check.broken > 0);
        match (&self.not_run, broken) {
            (Some(reason), _) => Some(format!("the audit could not run: {reason}")),
            (None, Some(check)) => {
                let first = check.example.as_ref();
                let first = first.map(|first| format!(", first: {first}"));
                let (promise, broken) = (&check.promise, check.broken);
                Some(format!(
                    "{promise}: broken {broken} times{}",
                    first.unwrap_or_default()
                ))
            }
            (None, None) if self.checks.is_empty() => Some("the audit looked at nothing".into()),
            (None, None) => None,
        }
    }
}

//! Why a comparison is not complete.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of a comparison that has not made all its runs. It is written as its sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Partial {
    /// It is still running, or its process died.
    Unfinished,
    /// Ctrl-C stopped it.
    Interrupted,
    /// A run could not be made.
    Failed(String),
}

const UNFINISHED: &str = "it was not finished";
const INTERRUPTED: &str = "it was interrupted";

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Partial::Unfinished => UNFINISHED,
            Partial::Interrupted => INTERRUPTED,
            Partial::Failed(reason) => reason,
        })
    }
}

impl From<Partial> for String {
    fn from(partial: Partial) -> String {
        partial.to_string()
    }
}

impl From<String> for Partial {
    fn from(sentence: String) -> Partial {
        match sentence.as_str() {
            UNFINISHED => Partial::Unfinished,
            INTERRUPTED => Partial::Interrupted,
            _ => Partial::Failed(sentence),
        }
    }
}

//! What the three batch actions share: rules for the batch as a whole, and an answer in which
//! each entry succeeds or fails by itself.

use std::collections::HashSet;

use serde::Serialize;

use crate::error::{Error, Result};

/// At most so many entries in a batch (an Amazon quota).
const MOST: usize = 10;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchAnswer<T> {
    successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    id: String,
    code: &'static str,
    message: String,
    sender_fault: bool,
}

/// What a successful entry says when there is nothing else to say.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Done {
    pub(super) id: String,
}

/// Checks the number of the entries and their ids. `kind` is the entry's name in the API.
pub(super) fn check_ids<'a>(
    kind: &'static str,
    ids: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Result<()> {
    if ids.len() == 0 {
        return Err(Error::EmptyBatchRequest(kind));
    }
    if ids.len() > MOST {
        return Err(Error::TooManyEntriesInBatchRequest(ids.len()));
    }
    let is_valid = |id: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=80).contains(&id.len()) && id.chars().all(allowed)
    };
    if !ids.clone().all(is_valid) {
        return Err(Error::InvalidBatchEntryId);
    }
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(Error::BatchEntryIdsNotDistinct(id.into()));
        }
    }
    Ok(())
}

/// Does `each` for every entry and sorts what comes of it.
pub(super) fn answer<E, T>(
    entries: &[E],
    id: impl Fn(&E) -> &str,
    mut each: impl FnMut(&E) -> Result<T>,
) -> BatchAnswer<T> {
    let mut answer = BatchAnswer {
        successful: Vec::new(),
        failed: Vec::new(),
    };
    for entry in entries {
        match each(entry) {
            Ok(success) => answer.successful.push(success),
            Err(error) => answer.failed.push(Failure {
                id: id(entry).into(),
                code: error.code(),
                message: error.to_string(),
                sender_fault: error.is_senders_fault(),
            }),
        }
    }
    answer
}

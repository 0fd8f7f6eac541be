//! The common part of the three batch actions: rules for the batch as a whole, and an answer in
//! which each entry succeeds or fails by itself.

use serde::Serialize;

use super::parameters::{is_name, required};
use crate::error::{Error, Result};

/// The most entries of a batch (an Amazon quota).
const MOST: usize = 10;

/// One entry of a batch.
pub(super) trait Entry {
    /// The name of its type in the API.
    const KIND: &'static str;

    fn id(&self) -> Option<&str>;
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchAnswer<'a, T> {
    successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failure<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure<'a> {
    id: &'a str,
    code: &'static str,
    message: String,
    sender_fault: bool,
}

/// The answer of a successful entry without a result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Done<'a> {
    id: &'a str,
}

/// Returns the entries if their number and their ids are valid.
pub(super) fn check<E: Entry>(entries: &Option<Vec<E>>) -> Result<&[E]> {
    let entries = required(entries.as_deref(), "Entries")?;
    match entries.len() {
        0 => return Err(Error::EmptyBatchRequest(E::KIND)),
        1..=MOST => {}
        many => return Err(Error::TooManyEntriesInBatchRequest(many)),
    }
    for (index, entry) in entries.iter().enumerate() {
        let Some(id) = entry.id() else {
            return Err(Error::missing(format!("{}.{}.Id", E::KIND, index + 1)));
        };
        if !is_name(id) {
            return Err(Error::InvalidBatchEntryId);
        }
    }
    for (index, entry) in entries.iter().enumerate() {
        let id = id(entry);
        if entries[..index]
            .iter()
            .any(|earlier| earlier.id() == Some(id))
        {
            return Err(Error::BatchEntryIdsNotDistinct(id.into()));
        }
    }
    Ok(entries)
}

/// Calls `each` for every entry and collects the results.
pub(super) fn answer<'a, E: Entry, T>(
    entries: &'a [E],
    mut each: impl FnMut(&'a E) -> Result<T>,
) -> BatchAnswer<'a, T> {
    let mut answer = BatchAnswer {
        successful: Vec::new(),
        failed: Vec::new(),
    };
    for entry in entries {
        match each(entry) {
            Ok(success) => answer.successful.push(success),
            Err(error) => answer.failed.push(Failure {
                id: id(entry),
                code: error.code(),
                message: error.to_string(),
                sender_fault: error.is_senders_fault(),
            }),
        }
    }
    answer
}

/// [`answer`] for actions without a result per entry.
pub(super) fn answer_done<'a, E: Entry>(
    entries: &'a [E],
    mut each: impl FnMut(&E) -> Result<()>,
) -> BatchAnswer<'a, Done<'a>> {
    answer(entries, |entry| {
        each(entry)?;
        Ok(Done { id: id(entry) })
    })
}

fn id(entry: &impl Entry) -> &str {
    entry.id().unwrap_or_default()
}

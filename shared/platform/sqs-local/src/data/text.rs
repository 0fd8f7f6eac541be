//! Values that are stored as text.

use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqs_queue::{Scope, State};

pub(super) fn of_state(state: State) -> &'static str {
    match state {
        State::Delayed => "delayed",
        State::Waiting => "waiting",
        State::InFlight => "in flight",
    }
}

pub(super) fn to_state(text: &str) -> rusqlite::Result<State> {
    match text {
        "delayed" => Ok(State::Delayed),
        "waiting" => Ok(State::Waiting),
        "in flight" => Ok(State::InFlight),
        other => Err(invalid(format!("no state of a message: {other}"))),
    }
}

pub(super) fn of_scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Queue => "queue",
        Scope::MessageGroup => "messageGroup",
    }
}

pub(super) fn to_scope(text: &str) -> rusqlite::Result<Scope> {
    match text {
        "queue" => Ok(Scope::Queue),
        "messageGroup" => Ok(Scope::MessageGroup),
        other => Err(invalid(format!("no scope: {other}"))),
    }
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("maps and lists of strings are JSON")
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(invalid)
}

/// The error for a row that this version cannot have written.
pub(super) fn invalid(
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}

//! The JSON documents of requests and answers.

use serde::Serialize;
use serde::de::Deserialize;

use crate::error::{Error, Result};

/// The answer of an action without a result.
#[derive(Serialize)]
pub(super) struct Empty {}

pub(super) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    let body = if body.is_empty() { b"{}" } else { body };
    strict_json::from_slice(body).map_err(|error| Error::Serialization(error.to_string()))
}

pub(super) fn encode(answer: &impl Serialize) -> Result<Vec<u8>> {
    encode_in(Vec::with_capacity(256), answer)
}

/// Encodes into a buffer of the caller's, which has enough room.
pub(super) fn encode_in(mut document: Vec<u8>, answer: &impl Serialize) -> Result<Vec<u8>> {
    match serde_json::to_writer(&mut document, answer) {
        Ok(()) => Ok(document),
        Err(_) => Err(Error::InternalError),
    }
}

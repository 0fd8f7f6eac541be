//! What is wrong with a request, said field by field.

use std::fmt::Display;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One field that cannot be accepted, named as a path such as `lines[0].quantity`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Display) -> FieldError {
        FieldError {
            field: field.into(),
            message: message.to_string(),
        }
    }
}

/// Keeps the value or notes what is wrong with it, so that a request hears of all its errors.
pub(super) fn check<T, E: Display>(
    errors: &mut Vec<FieldError>,
    field: impl Into<String>,
    value: Result<T, E>,
) -> Option<T> {
    value
        .map_err(|error| errors.push(FieldError::new(field, error)))
        .ok()
}

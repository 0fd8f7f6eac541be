//! Checks of a request, field by field.

use std::fmt::Display;

use problem_document::FieldError;

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

//! Validation of a request, field by field.

use std::fmt::Display;

use problem_document::FieldError;

/// Returns the value, or adds its error to `errors`, so that a response lists all invalid fields.
pub(super) fn check<T, E: Display>(
    errors: &mut Vec<FieldError>,
    field: impl Into<String>,
    value: Result<T, E>,
) -> Option<T> {
    value
        .map_err(|error| errors.push(FieldError::new(field, error)))
        .ok()
}

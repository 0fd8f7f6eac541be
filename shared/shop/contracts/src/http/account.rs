//! `POST /auth/register` and `POST /auth/login`.

use std::fmt;

use domain::{Email, Password};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::FieldError;
use super::validation::check;

/// The body of a registration and of a login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The email address: it names the account.
    #[schema(
        example = "ada@example.org",
        max_length = 254,
        pattern = r"^[^\s\x00-\x1f\x7f-\x9f]+@[^\s\x00-\x1f\x7f-\x9f]+$"
    )]
    pub email: String,
    /// 8 to 256 characters.
    #[schema(example = "correct horse", min_length = 8, max_length = 256)]
    pub password: String,
}

/// A token that authenticates a customer for a limited time (RFC 6750).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccessToken {
    /// Sent with each request as `Authorization: Bearer <access_token>`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// How long the token is valid, in seconds.
    pub expires_in: u64,
}

impl Credentials {
    /// Checks both fields, and returns the errors of all invalid ones.
    pub fn validate(self) -> Result<(Email, Password), Vec<FieldError>> {
        let mut errors = vec![];
        let email = check(&mut errors, "email", Email::parse(self.email));
        let password = check(&mut errors, "password", Password::parse(self.password));
        email.zip(password).ok_or(errors)
    }
}

/// Without the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invalid_field_is_named() {
        let check = |email: &str, password: &str, expected: &[&str]| {
            let (email, password) = (email.to_owned(), password.to_owned());
            let errors = Credentials { email, password }.validate().err();
            let errors = errors.unwrap_or_default();
            let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
            assert_eq!(fields, expected);
        };
        check("ada@example.org", "correct horse", &[]);
        check("ada", "correct horse", &["email"]);
        check("ada@example.org", "short", &["password"]);
        check("", "", &["email", "password"]);
    }
}

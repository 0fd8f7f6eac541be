//! The credentials of an account: email and password.

use std::fmt;

use icu_casemap::CaseMapperBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use thiserror::Error;

/// An email address, kept as typed. [`Email::key`] identifies the account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email(String);

/// A password, kept as typed. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// A text that is not an email address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "must be an address such as ada@example.org, of at most {max} characters",
    max = Email::MAX
)]
pub struct EmailError;

/// A password that is too short or too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must have {min} to {max} characters", min = Password::MIN, max = Password::MAX)]
pub struct PasswordError;

impl Email {
    /// The longest address that mail can be sent to (RFC 5321, 4.5.3.1.3).
    pub const MAX: usize = 254;

    /// Checks the shape only, not whether mail arrives there.
    pub fn parse(text: impl Into<String>) -> Result<Email, EmailError> {
        let text = text.into();
        let has_parts = text
            .rsplit_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        let forbidden = |c: char| c.is_control() || c.is_whitespace();
        if !has_parts || text.chars().count() > Email::MAX || text.contains(forbidden) {
            return Err(EmailError);
        }
        Ok(Email(text))
    }

    /// The address as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text for every spelling of an address. Two keys are equal if the addresses are a
    /// compatibility caseless match (Unicode 17, D146): `Ü`, `ü` and a `u` with a combining
    /// diaeresis have one key.
    pub fn key(&self) -> String {
        let fold = CaseMapperBorrowed::new();
        let compose = ComposingNormalizerBorrowed::new_nfkc();
        let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&self.0);
        let folded = compose
            .normalize(&fold.fold_string(&decomposed))
            .into_owned();
        // Composition can produce letters that have two cases, so fold again.
        compose.normalize(&fold.fold_string(&folded)).into_owned()
    }
}

impl Password {
    /// At least 8 characters, and no other rule (NIST SP 800-63B, 5.1.1.2).
    pub const MIN: usize = 8;
    /// Far above the 64 that must be allowed, and low enough that hashing stays fast.
    pub const MAX: usize = 256;

    /// Checks the length, and nothing else.
    pub fn parse(text: impl Into<String>) -> Result<Password, PasswordError> {
        let text = text.into();
        match text.chars().count() {
            Password::MIN..=Password::MAX => Ok(Password(text)),
            _ => Err(PasswordError),
        }
    }

    /// The password itself. Never log it or store it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(password)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_a_name_and_a_host() {
        let check = |text: &str, accepted: bool| {
            assert_eq!(Email::parse(text).is_ok(), accepted, "{text:?}");
        };
        check("ada@example.org", true);
        check("\"a@b\"@example.org", true);
        check("ünïcode@exämple.org", true);
        check("@example.org", false);
        check("ada@", false);
        check("ada", false);
        check("", false);
        check("ada@example.org\0", false);
        check("ada lovelace@example.org", false);
        check(&format!("{}@b", "a".repeat(252)), true);
        check(&format!("{}@b", "a".repeat(253)), false);
    }

    #[test]
    fn all_spellings_of_an_address_have_one_key() {
        let check = |one: &str, other: &str, equal: bool| {
            let key = |text| Email::parse(text).unwrap().key();
            assert_eq!(key(one) == key(other), equal, "{one} {other}");
        };
        check("ü@example.org", "Ü@example.org", true);
        check("ü@example.org", "u\u{308}@example.org", true);
        check("Ü@example.org", "U\u{308}@EXAMPLE.ORG", true);
        check("strasse@example.org", "STRAẞE@example.org", true);
        check("ﬁ@example.org", "FI@example.org", true);
        check("ａｄａ@example.org", "ada@example.org", true);
        check("σίσυφος@example.org", "ΣΊΣΥΦΟΣ@example.org", true);
        check("ü@example.org", "u@example.org", false);
        check("ı@example.org", "i@example.org", false);
        check("ada@example.org", "bob@example.org", false);
    }

    #[test]
    fn an_address_is_kept_as_it_was_typed() {
        assert_eq!(
            Email::parse("Ü@Example.org").unwrap().as_str(),
            "Ü@Example.org"
        );
    }

    #[test]
    fn a_password_is_judged_by_its_length_alone() {
        let check = |text: &str, accepted: bool| {
            assert_eq!(Password::parse(text).is_ok(), accepted, "{text:?}");
        };
        check("1234567", false);
        check("12345678", true);
        check("pässwört", true);
        check(&"x".repeat(256), true);
        check(&"x".repeat(257), false);
    }

    #[test]
    fn a_password_does_not_print() {
        let password = Password::parse("correct horse").unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }
}

//! What a customer signs in with.

use std::fmt;

use icu_casemap::CaseMapperBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use thiserror::Error;

/// Where a customer is reached, and the name of the account. It is kept as it was typed; which
/// account it names, its [`Email::key`] says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email(String);

/// A password as it was typed. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error(
    "must be an address such as ada@example.org, of at most {max} characters",
    max = Email::MAX
)]
pub struct EmailError;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must have {min} to {max} characters", min = Password::MIN, max = Password::MAX)]
pub struct PasswordError;

impl Email {
    /// The longest address that mail can be sent to (RFC 5321, 4.5.3.1.3).
    pub const MAX: usize = 254;

    /// Checks the shape only: whether mail arrives there, only a mail can tell.
    pub fn parse(text: impl Into<String>) -> Result<Email, EmailError> {
        let text = text.into();
        let has_parts = text
            .rsplit_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        let strange = |c: char| c.is_control() || c.is_whitespace();
        if !has_parts || text.chars().count() > Email::MAX || text.contains(strange) {
            return Err(EmailError);
        }
        Ok(Email(text))
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What all spellings of an address have in common: a compatibility caseless match (Unicode
    /// 17, D146) is equality of keys. `Ü`, `ü` and a `u` with a combining diaeresis are one.
    pub fn key(&self) -> String {
        let fold = CaseMapperBorrowed::new();
        let compose = ComposingNormalizerBorrowed::new_nfkc();
        let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&self.0);
        let folded = compose
            .normalize(&fold.fold_string(&decomposed))
            .into_owned();
        // Composing can bring letters to light that have a case of their own.
        compose.normalize(&fold.fold_string(&folded)).into_owned()
    }
}

impl Password {
    /// NIST SP 800-63B, 5.1.1.2: at least 8 characters, and nothing else is asked of them.
    pub const MIN: usize = 8;
    /// Far above the 64 that must be allowed, and far below what would make hashing slow.
    pub const MAX: usize = 256;

    pub fn parse(text: impl Into<String>) -> Result<Password, PasswordError> {
        let text = text.into();
        match text.chars().count() {
            Password::MIN..=Password::MAX => Ok(Password(text)),
            _ => Err(PasswordError),
        }
    }

    /// The password itself. It belongs in no log and no table.
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

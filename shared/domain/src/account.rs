//! What a customer signs in with.

use std::fmt;

use thiserror::Error;

/// Where a customer is reached, and the name of the account. Its case is kept and does not count.
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

    pub fn as_str(&self) -> &str {
        &self.0
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

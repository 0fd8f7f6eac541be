//! The errors of hashing passwords.

use thiserror::Error;

/// Why a password was not hashed or verified.
#[derive(Debug, Error)]
pub enum PasswordsError {
    #[error("cannot hash a password: {0}")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("cannot hash a password: {0}")]
    Argon2(#[from] argon2::Error),
    #[error("an account holds a password hash that is malformed: {0}")]
    Malformed(#[from] argon2::password_hash::phc::Error),
    #[error("hashing a password was interrupted")]
    Interrupted,
    #[error("too many passwords are waiting to be hashed")]
    Busy,
}

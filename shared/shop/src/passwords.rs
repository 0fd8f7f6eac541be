//! Hashing passwords, slowly on purpose.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use domain::Password;
use thiserror::Error;
use tokio::sync::Semaphore;

/// Of the same cost as any other, and of no password: what a login for an unknown email is checked
/// against, so that its answer takes as long as another's and does not tell who has an account.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
                      AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes with Argon2id at 19 MiB, 2 passes and 1 lane: the least that OWASP's Password Storage
/// Cheat Sheet recommends, and the `argon2` crate's default.
///
/// It runs beside the asynchronous threads, and no more at a time than there are cores: more would
/// finish none of them sooner and take 19 MiB each.
#[derive(Clone)]
pub struct Passwords(Arc<Semaphore>);

#[derive(Debug, Error)]
pub enum PasswordsError {
    #[error("cannot hash a password: {0}")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("an account holds a password hash that is none: {0}")]
    Malformed(#[from] argon2::password_hash::phc::Error),
    #[error("hashing a password was interrupted")]
    Interrupted,
}

impl Passwords {
    pub fn new() -> Passwords {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Passwords(Arc::new(Semaphore::new(cores)))
    }

    /// A PHC string that [`Passwords::verify`] knows the password by.
    pub async fn hash(&self, password: Password) -> Result<String, PasswordsError> {
        self.aside(move || {
            let hash = Argon2::default().hash_password(password.expose().as_bytes())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one behind the hash. Without a hash it is not, and finding
    /// that out takes as long.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, PasswordsError> {
        self.aside(move || {
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
            let verified = Argon2::default().verify_password(password.expose().as_bytes(), &hash);
            Ok(verified.is_ok())
        })
        .await
    }

    async fn aside<T, F>(&self, work: F) -> Result<T, PasswordsError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, PasswordsError> + Send + 'static,
    {
        let permit = self.0.clone().acquire_owned().await;
        let permit = permit.map_err(|_| PasswordsError::Interrupted)?;
        let worked = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        worked.await.map_err(|_| PasswordsError::Interrupted)?
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_is_verified() {
        let passwords = Passwords::new();
        let hash = passwords.hash(password("correct horse")).await.unwrap();
        let check = async |text: &str, hash: Option<&str>, expected: bool| {
            let verified = passwords
                .verify(password(text), hash.map(str::to_owned))
                .await;
            assert_eq!(verified.unwrap(), expected);
        };
        check("correct horse", Some(&hash), true).await;
        check("wrong horse", Some(&hash), false).await;
        check("correct horse", None, false).await;
    }

    #[tokio::test]
    async fn an_unknown_account_costs_what_a_known_one_does() {
        let hash = Passwords::new()
            .hash(password("correct horse"))
            .await
            .unwrap();
        let known = PasswordHash::new(&hash).unwrap();
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(nobody.params, known.params);
        assert_eq!(nobody.algorithm, known.algorithm);
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(|hash| hash.as_ref().len());
        assert_eq!(length(&nobody), length(&known));
    }
}

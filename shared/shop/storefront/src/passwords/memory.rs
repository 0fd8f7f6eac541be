//! The memory in which passwords are hashed, reused for each one.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, try_generate_salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use domain::Password;

use super::error::PasswordsError;

/// A hash of no password, at the normal cost. A login for an unknown email is checked against it,
/// so that the time of the answer does not reveal who has an account.
const NO_ACCOUNT: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
                          AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Blocks of 1 KiB, 19 MiB in total after the first hash. Each hash overwrites a block before it
/// reads it.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// Hashes the password with a new salt, into a PHC string.
    pub(super) fn hash(&mut self, password: &Password) -> Result<String, PasswordsError> {
        let argon2 = Argon2::default();
        let salt = try_generate_salt().map_err(|_| password_hash::Error::Crypto)?;
        let salt = Salt::new(&salt)?;
        let hash = PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(salt),
            hash: Some(self.output(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?),
        };
        Ok(hash.to_string())
    }

    /// Whether the PHC string is a hash of this password, computed at the string's own cost.
    pub(super) fn verify(
        &mut self,
        password: &Password,
        hash: Option<&str>,
    ) -> Result<bool, PasswordsError> {
        let stored = PasswordHash::new(hash.unwrap_or(NO_ACCOUNT))?;
        let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
            return Ok(false);
        };
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map(Version::try_from).transpose()?;
        let params = Params::try_from(&stored)?;
        let argon2 = Argon2::new(algorithm, version.unwrap_or_default(), params);
        // `Output` compares in constant time.
        Ok(self.output(&argon2, password, salt, expected.len())? == *expected)
    }

    fn output(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &Salt,
        length: usize,
    ) -> Result<Output, PasswordsError> {
        let blocks = argon2.params().block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::new());
        }
        let mut buffer = [0; Output::MAX_LENGTH];
        let out = &mut buffer[..length];
        let password = password.expose().as_bytes();
        argon2.hash_password_into_with_memory(password, salt, out, &mut self.0)?;
        Ok(Output::new(out)?)
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[test]
    fn a_hash_is_what_the_crate_itself_computes() {
        let password = Password::parse("correct horse").unwrap();
        let bytes = password.expose().as_bytes();
        let mut memory = Memory::default();
        // Twice, so that the second hash starts with the memory of the first.
        for _ in 0..2 {
            let ours: String = memory.hash(&password).unwrap();
            let ours = PasswordHash::new(&ours).unwrap();
            assert!(Argon2::default().verify_password(bytes, &ours).is_ok());
            let theirs: PasswordHash = Argon2::default().hash_password(bytes).unwrap();
            let verified = memory.verify(&password, Some(&theirs.to_string()));
            assert!(verified.unwrap());
        }
    }

    #[test]
    fn a_hash_of_another_cost_is_verified_too() {
        let password = Password::parse("correct horse").unwrap();
        let params = Params::new(64, 1, 1, Some(16)).unwrap();
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: PasswordHash = cheap.hash_password(password.expose().as_bytes()).unwrap();
        let mut memory = Memory::default();
        memory.hash(&password).unwrap();
        assert!(memory.verify(&password, Some(&hash.to_string())).unwrap());
    }

    #[test]
    fn an_unknown_account_costs_what_a_known_one_does() {
        let password = Password::parse("correct horse").unwrap();
        let hash = Memory::default().hash(&password).unwrap();
        let known = PasswordHash::new(&hash).unwrap();
        let unknown = PasswordHash::new(NO_ACCOUNT).unwrap();
        assert_eq!(unknown.params, known.params);
        assert_eq!(unknown.algorithm, known.algorithm);
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(|hash| hash.as_ref().len());
        assert_eq!(length(&unknown), length(&known));
    }
}

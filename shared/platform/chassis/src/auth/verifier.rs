//! Verification of tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, get_current_timestamp};
use uuid::Uuid;

use super::claims::Claims;
use crate::Problem;
use crate::config::{TokenKey, with_newlines};

/// Maximum cached tokens. They take about 2 MiB.
const CACHE_CAPACITY: usize = 4096;

/// Verifies tokens. It parses its key once, and clones share it.
///
/// A valid token stays valid until it expires, so its signature is verified once and then cached:
/// the verification takes about 40 µs of CPU, more than everything else that is done to a request.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Verifier>);

struct Verifier {
    key: DecodingKey,
    validation: Validation,
    cache: Mutex<HashMap<Box<str>, Valid>>,
}

#[derive(Clone, Copy)]
struct Valid {
    subject: Uuid,
    /// Seconds since 1970, as in the token.
    expires: u64,
}

impl TokenVerifier {
    /// A verifier of tokens whose issuer and audience are `name`.
    ///
    /// # Errors
    /// When the key is not an Ed25519 public key in PEM.
    pub fn new(settings: &TokenKey, name: &str) -> anyhow::Result<TokenVerifier> {
        let pem = with_newlines(&settings.auth_public_key);
        let key = DecodingKey::from_ed_pem(pem.as_bytes())
            .context("AUTH_PUBLIC_KEY is not an Ed25519 public key in PEM")?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[name]);
        validation.set_audience(&[name]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        // By default a token is still accepted in the second in which it expires.
        validation.reject_tokens_expiring_in_less_than = 1;
        let cache = Mutex::default();
        Ok(TokenVerifier(Arc::new(Verifier {
            key,
            validation,
            cache,
        })))
    }

    /// Returns the subject that the token was issued to.
    ///
    /// # Errors
    /// A 401 problem when the token is forged, expired, or issued for another audience.
    pub fn verify(&self, token: &str) -> Result<Uuid, Problem> {
        if let Some(subject) = self.cached(token, get_current_timestamp()) {
            return Ok(subject);
        }
        let Verifier {
            key, validation, ..
        } = &*self.0;
        let claims = decode::<Claims>(token, key, validation)
            .map_err(|error| Problem::unauthorized(format!("the token is not valid: {error}")))?
            .claims;
        self.cache(token, &claims);
        Ok(claims.sub)
    }

    fn cached(&self, token: &str, now: u64) -> Option<Uuid> {
        let cache = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let valid = cache.get(token).filter(|valid| valid.expires > now)?;
        Some(valid.subject)
    }

    /// Caches a token. A full cache is emptied first; tokens in use return with their next request.
    fn cache(&self, token: &str, claims: &Claims) {
        let mut cache = self.0.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_CAPACITY {
            cache.clear();
        }
        let (subject, expires) = (claims.sub, claims.exp);
        cache.insert(token.into(), Valid { subject, expires });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{KeyPair, TokenIssuer};
    use crate::config::TokenSigning;

    const NAME: &str = "shop";

    fn pair() -> (TokenIssuer, TokenVerifier) {
        let KeyPair { private, public } = KeyPair::generate();
        let signing = TokenSigning {
            auth_private_key: private,
            auth_token_life_s: 60,
        };
        let key = TokenKey {
            auth_public_key: public,
        };
        (
            TokenIssuer::new(&signing, NAME).unwrap(),
            TokenVerifier::new(&key, NAME).unwrap(),
        )
    }

    #[test]
    fn a_cached_token_expires_like_any_other() {
        let (issuer, verifier) = pair();
        let subject = Uuid::now_v7();
        let token = issuer.issue(subject).unwrap();
        let now = get_current_timestamp();
        assert_eq!(verifier.cached(&token, now), None);

        assert_eq!(verifier.verify(&token).unwrap(), subject);
        assert_eq!(verifier.cached(&token, now), Some(subject));
        assert_eq!(verifier.cached(&token, now + 120), None);
    }

    #[test]
    fn the_cache_is_bounded() {
        let (issuer, verifier) = pair();
        let token = issuer.issue(Uuid::now_v7()).unwrap();
        verifier.verify(&token).unwrap();
        let (sub, exp) = (Uuid::now_v7(), u64::MAX);
        let (iss, aud) = (NAME.to_owned(), NAME.to_owned());
        let claims = Claims {
            sub,
            iss,
            aud,
            iat: 0,
            exp,
        };
        for n in 0..=CACHE_CAPACITY {
            verifier.cache(&n.to_string(), &claims);
            assert!(verifier.0.cache.lock().unwrap().len() <= CACHE_CAPACITY);
        }
        assert!(verifier.verify(&token).is_ok());
    }
}

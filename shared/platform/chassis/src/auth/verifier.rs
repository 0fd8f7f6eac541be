//! Checking tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, get_current_timestamp};
use uuid::Uuid;

use super::{Claims, unfold};
use crate::Problem;
use crate::config::TokenKey;

/// Tokens remembered at most, about 2 MiB of them.
const REMEMBERED: usize = 4096;

/// Checks tokens. It clones cheaply, and its key was parsed once.
///
/// A good token stays good until it expires, so its signature is checked once and then remembered:
/// the check takes some 40 microseconds of CPU, more than all else that is done to a request.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Verifier>);

struct Verifier {
    key: DecodingKey,
    validation: Validation,
    good: Mutex<HashMap<Box<str>, Good>>,
}

#[derive(Clone, Copy)]
struct Good {
    subject: Uuid,
    /// Seconds since 1970, as in the token.
    expires: u64,
}

impl TokenVerifier {
    /// Checks tokens whose issuer and audience are `name`.
    ///
    /// # Errors
    /// When the key is not an Ed25519 public key in PEM.
    pub fn new(settings: &TokenKey, name: &str) -> anyhow::Result<TokenVerifier> {
        let pem = unfold(&settings.auth_public_key);
        let key = DecodingKey::from_ed_pem(pem.as_bytes())
            .context("AUTH_PUBLIC_KEY is no Ed25519 public key in PEM")?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[name]);
        validation.set_audience(&[name]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        // The default lets a token pass in the very second that it expires.
        validation.reject_tokens_expiring_in_less_than = 1;
        let good = Mutex::default();
        Ok(TokenVerifier(Arc::new(Verifier {
            key,
            validation,
            good,
        })))
    }

    /// The subject that the token was issued to.
    ///
    /// # Errors
    /// A 401 problem when the token is forged, expired, or meant for another audience.
    pub fn verify(&self, token: &str) -> Result<Uuid, Problem> {
        if let Some(subject) = self.recall(token, get_current_timestamp()) {
            return Ok(subject);
        }
        let Verifier {
            key, validation, ..
        } = &*self.0;
        let claims = decode::<Claims>(token, key, validation)
            .map_err(|error| Problem::unauthorized(format!("the token is not good: {error}")))?
            .claims;
        self.remember(token, &claims);
        Ok(claims.sub)
    }

    fn recall(&self, token: &str, now: u64) -> Option<Uuid> {
        let good = self.0.good.lock().unwrap_or_else(PoisonError::into_inner);
        let known = good.get(token).filter(|known| known.expires > now)?;
        Some(known.subject)
    }

    /// When there is no room left, all are forgotten: those in use come back with their next
    /// request.
    fn remember(&self, token: &str, claims: &Claims) {
        let mut good = self.0.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= REMEMBERED {
            good.clear();
        }
        let (subject, expires) = (claims.sub, claims.exp);
        good.insert(token.into(), Good { subject, expires });
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
    fn a_remembered_token_expires_like_any_other() {
        let (issuer, verifier) = pair();
        let subject = Uuid::now_v7();
        let token = issuer.issue(subject).unwrap();
        let now = get_current_timestamp();
        assert_eq!(verifier.recall(&token, now), None);

        assert_eq!(verifier.verify(&token).unwrap(), subject);
        assert_eq!(verifier.recall(&token, now), Some(subject));
        assert_eq!(verifier.recall(&token, now + 120), None);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
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
        for n in 0..=REMEMBERED {
            verifier.remember(&n.to_string(), &claims);
            assert!(verifier.0.good.lock().unwrap().len() <= REMEMBERED);
        }
        assert!(verifier.verify(&token).is_ok());
    }
}

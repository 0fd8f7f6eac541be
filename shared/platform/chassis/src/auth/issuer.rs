//! Issuing of tokens.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use uuid::Uuid;

use super::claims::Claims;
use crate::config::{TokenSigning, with_newlines};

/// Issues tokens. It parses its key once, and clones share it.
#[derive(Clone)]
pub struct TokenIssuer {
    key: Arc<EncodingKey>,
    name: Arc<str>,
    life: Duration,
}

impl TokenIssuer {
    /// An issuer whose tokens have `name` as issuer and as audience: one system issues and accepts
    /// them.
    ///
    /// # Errors
    /// When the key is not an Ed25519 private key in PEM.
    pub fn new(settings: &TokenSigning, name: &str) -> anyhow::Result<TokenIssuer> {
        let pem = with_newlines(&settings.auth_private_key);
        let key = EncodingKey::from_ed_pem(pem.as_bytes())
            .context("AUTH_PRIVATE_KEY is not an Ed25519 private key in PEM")?;
        let issuer = TokenIssuer {
            key: Arc::new(key),
            name: name.into(),
            life: Duration::from_secs(settings.auth_token_life_s),
        };
        // A key that cannot sign fails here and not at the first login.
        issuer
            .issue(Uuid::now_v7())
            .context("AUTH_PRIVATE_KEY cannot sign")?;
        Ok(issuer)
    }

    /// Issues a token for the subject, valid from now on for [`TokenIssuer::life`].
    ///
    /// # Errors
    /// When the key cannot sign. [`TokenIssuer::new`] has tried it once.
    pub fn issue(&self, subject: Uuid) -> Result<String, jsonwebtoken::errors::Error> {
        let now = get_current_timestamp();
        let claims = Claims {
            sub: subject,
            iss: self.name.to_string(),
            aud: self.name.to_string(),
            iat: now,
            exp: now + self.life.as_secs(),
        };
        encode(&Header::new(Algorithm::EdDSA), &claims, &self.key)
    }

    /// How long a token is valid: 1 s to a year, set by `AUTH_TOKEN_LIFE_S`. Default: 1 h.
    pub fn life(&self) -> Duration {
        self.life
    }
}

//! Issuing tokens.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use uuid::Uuid;

use super::{Claims, unfold};
use crate::config::TokenSigning;

/// Issues tokens. It clones cheaply, and its key was parsed once.
#[derive(Clone)]
pub struct TokenIssuer {
    key: Arc<EncodingKey>,
    name: Arc<str>,
    life: Duration,
}

impl TokenIssuer {
    /// `name` is the issuer and the audience of its tokens: what trusts them is the system that
    /// issues them.
    ///
    /// # Errors
    /// When the key is not an Ed25519 private key in PEM.
    pub fn new(settings: &TokenSigning, name: &str) -> anyhow::Result<TokenIssuer> {
        let pem = unfold(&settings.auth_private_key);
        let key = EncodingKey::from_ed_pem(pem.as_bytes())
            .context("AUTH_PRIVATE_KEY is no Ed25519 private key in PEM")?;
        let issuer = TokenIssuer {
            key: Arc::new(key),
            name: name.into(),
            life: Duration::from_secs(settings.auth_token_life_s),
        };
        // A key that cannot sign is found now, not at the first login.
        issuer
            .issue(Uuid::now_v7())
            .context("AUTH_PRIVATE_KEY does not sign")?;
        Ok(issuer)
    }

    /// A token for the subject, good from now on for [`TokenIssuer::life`].
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

    pub fn life(&self) -> Duration {
        self.life
    }
}

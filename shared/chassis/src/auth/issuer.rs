//! Issuing tokens.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::CustomerId;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};

use super::{AUDIENCE, Claims, ISSUER, unfold};
use crate::config::TokenSigning;

/// Issues tokens. It clones cheaply, and its key was parsed once.
#[derive(Clone)]
pub struct TokenIssuer {
    key: Arc<EncodingKey>,
    life: Duration,
}

impl TokenIssuer {
    /// # Errors
    /// When the key is not an Ed25519 private key in PEM.
    pub fn new(settings: &TokenSigning) -> anyhow::Result<TokenIssuer> {
        let pem = unfold(&settings.auth_private_key);
        let key = EncodingKey::from_ed_pem(pem.as_bytes())
            .context("AUTH_PRIVATE_KEY is no Ed25519 private key in PEM")?;
        let issuer = TokenIssuer {
            key: Arc::new(key),
            life: Duration::from_secs(settings.auth_token_life_s),
        };
        // A key that cannot sign is found now, not at the first login.
        issuer
            .issue(CustomerId::new())
            .context("AUTH_PRIVATE_KEY does not sign")?;
        Ok(issuer)
    }

    /// A token for the customer, good from now on for [`TokenIssuer::life`].
    pub fn issue(&self, customer: CustomerId) -> Result<String, jsonwebtoken::errors::Error> {
        let now = get_current_timestamp();
        let claims = Claims {
            sub: customer,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now,
            exp: now + self.life.as_secs(),
        };
        encode(&Header::new(Algorithm::EdDSA), &claims, &self.key)
    }

    pub fn life(&self) -> Duration {
        self.life
    }
}

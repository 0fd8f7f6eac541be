//! Access tokens: JWTs signed with Ed25519 (RFC 8037), checked by each process by itself.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::CustomerId;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode, get_current_timestamp,
};
use serde::{Deserialize, Serialize};

use crate::Problem;
use crate::config::{Secret, TokenKey, TokenSigning};

const ISSUER: &str = "twofold";
const AUDIENCE: &str = "twofold";

/// Checks tokens. It clones cheaply, and its key was parsed once.
#[derive(Clone)]
pub struct TokenVerifier(Arc<(DecodingKey, Validation)>);

/// Issues tokens.
#[derive(Clone)]
pub struct TokenIssuer {
    key: Arc<EncodingKey>,
    life: Duration,
}

/// Who sent the request, proven by an `Authorization: Bearer` token; 401 without one.
#[derive(Clone, Copy, Debug)]
pub struct Customer(pub CustomerId);

/// A new pair of keys as PEM, for tests and for systems that are set up by a program.
pub struct KeyPair {
    pub private: Secret,
    pub public: Secret,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: CustomerId,
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
}

impl TokenVerifier {
    /// # Errors
    /// When the key is not an Ed25519 public key in PEM.
    pub fn new(settings: &TokenKey) -> anyhow::Result<TokenVerifier> {
        let pem = unfold(&settings.auth_public_key);
        let key = DecodingKey::from_ed_pem(pem.as_bytes())
            .context("AUTH_PUBLIC_KEY is no Ed25519 public key in PEM")?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        // The default lets a token pass in the very second that it expires.
        validation.reject_tokens_expiring_in_less_than = 1;
        Ok(TokenVerifier(Arc::new((key, validation))))
    }

    /// The customer that the token was issued to.
    ///
    /// # Errors
    /// A 401 problem when the token is forged, expired, or meant for somebody else.
    pub fn verify(&self, token: &str) -> Result<CustomerId, Problem> {
        let (key, validation) = &*self.0;
        let token = decode::<Claims>(token, key, validation)
            .map_err(|error| Problem::unauthorized(format!("the token is not good: {error}")))?;
        Ok(token.claims.sub)
    }
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

impl<S> FromRequestParts<S> for Customer
where
    S: Send + Sync,
    TokenVerifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Customer, Problem> {
        let missing = || Problem::unauthorized("send `authorization: Bearer` with a token");
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing)?;
        let (scheme, token) = header
            .to_str()
            .ok()
            .and_then(|header| header.split_once(' '))
            .ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        TokenVerifier::from_ref(state)
            .verify(token.trim())
            .map(Customer)
    }
}

impl KeyPair {
    pub fn generate() -> KeyPair {
        // What stands before the key itself in PKCS#8 and in SubjectPublicKeyInfo (RFC 8410, 7).
        const PRIVATE: [u8; 16] =
            *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        const PUBLIC: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

        let seed: [u8; 32] = rand::random();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
        KeyPair {
            private: pem("PRIVATE", &[&PRIVATE[..], &seed].concat()),
            public: pem(
                "PUBLIC",
                &[&PUBLIC[..], pair.public_key().as_ref()].concat(),
            ),
        }
    }
}

fn pem(kind: &str, der: &[u8]) -> Secret {
    let body = STANDARD.encode(der);
    Secret::new(format!(
        "-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----\n"
    ))
}

/// A file of variables holds a PEM on one line, its line ends written as `\n`.
fn unfold(pem: &Secret) -> String {
    pem.expose().replace("\\n", "\n")
}

//! Access tokens: JWTs signed with Ed25519 (RFC 8037), checked by each process by itself.

mod issuer;
mod keys;
mod verifier;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Problem;
use crate::config::Pem;

pub use issuer::TokenIssuer;
pub use keys::KeyPair;
pub use verifier::TokenVerifier;

/// An extractor: the subject of the request's `Authorization: Bearer` token; 401 without one.
#[derive(Clone, Copy, Debug)]
pub struct Bearer(pub Uuid);

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
}

impl<S> FromRequestParts<S> for Bearer
where
    S: Send + Sync,
    TokenVerifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Bearer, Problem> {
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
            .map(Bearer)
    }
}

/// A file of variables holds a PEM on one line, its line ends written as `\n`.
fn unfold(pem: &Pem) -> String {
    pem.expose().replace("\\n", "\n")
}

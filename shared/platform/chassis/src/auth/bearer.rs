//! The extractor of the caller's identity.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use uuid::Uuid;

use super::TokenVerifier;
use crate::Problem;

/// An extractor: the subject of the request's `Authorization: Bearer` token. Without a valid token
/// it rejects the request with 401.
#[derive(Clone, Copy, Debug)]
pub struct Bearer(pub Uuid);

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

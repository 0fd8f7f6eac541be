//! The customer of a request.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use chassis::Problem;
use chassis::auth::{Bearer, TokenVerifier};
use domain::CustomerId;

/// An extractor for the customer whose token the request carries. Without a valid token: 401.
#[derive(Clone, Copy, Debug)]
pub struct Customer(pub CustomerId);

impl<S> FromRequestParts<S> for Customer
where
    S: Send + Sync,
    TokenVerifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Customer, Problem> {
        let Bearer(subject) = Bearer::from_request_parts(parts, state).await?;
        Ok(Customer(CustomerId(subject)))
    }
}

//! What every request and every background task works with.

use std::time::Duration;

use axum::extract::FromRef;
use chassis::auth::{TokenIssuer, TokenVerifier};
use sqlx::PgPool;
use storefront::Provider;

use crate::admission::Admission;
use crate::every::Wake;
use crate::places::Places;

#[derive(Clone, FromRef)]
pub struct Shop {
    pub db: PgPool,
    pub provider: Provider,
    pub tokens: TokenIssuer,
    pub verifier: TokenVerifier,
    pub admission: Admission,
    /// Limits how many transactions wait for the stock of one product.
    pub places: Places,
    /// Woken by a commit that leaves the provider something to do.
    pub payment_due: Wake,
    /// How long a confirmed order can still be cancelled.
    #[from_ref(skip)]
    pub window: Duration,
}

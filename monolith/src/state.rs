//! The state of the application, shared by all requests and background tasks.

use std::time::Duration;

use axum::extract::FromRef;
use chassis::auth::{TokenIssuer, TokenVerifier};
use sqlx::PgPool;
use storefront::Provider;

use crate::admission::Admission;
use crate::every::Wake;
use crate::product_limit::ProductLimit;

/// The connections, limits and settings of the shop.
#[derive(Clone, FromRef)]
pub struct Shop {
    /// The one database.
    pub db: PgPool,
    /// The client of the payment provider.
    pub provider: Provider,
    /// Issues access tokens.
    pub tokens: TokenIssuer,
    /// Checks access tokens.
    pub verifier: TokenVerifier,
    /// Limits how many orders are placed at a time.
    pub admission: Admission,
    /// Limits how many transactions use connections for one product.
    pub product_limit: ProductLimit,
    /// Wakes the task that sends captures, voids and refunds.
    pub payment_due: Wake,
    /// How long a confirmed order can still be cancelled.
    #[from_ref(skip)]
    pub cancellation_window: Duration,
}

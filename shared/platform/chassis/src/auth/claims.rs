//! The content of a token.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The registered claims of RFC 7519, section 4.1 that our tokens have.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: Uuid,
    pub(super) iss: String,
    pub(super) aud: String,
    /// Seconds since 1970.
    pub(super) iat: u64,
    /// Seconds since 1970.
    pub(super) exp: u64,
}

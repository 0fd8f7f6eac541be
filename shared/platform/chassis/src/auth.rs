//! Access tokens: JWTs signed with Ed25519 (RFC 8037). Each process verifies them by itself.

mod bearer;
mod claims;
mod issuer;
mod keys;
mod verifier;

pub use bearer::Bearer;
pub use issuer::TokenIssuer;
pub use keys::KeyPair;
pub use verifier::TokenVerifier;

use chassis::auth::{KeyPair, TokenIssuer, TokenVerifier};
use chassis::config::{TokenKey, TokenSigning};
use contracts::http::TOKEN_ISSUER;
use domain::CustomerId;

/// A key pair, as the settings of a process that issues tokens and of one that verifies them.
pub struct Keys {
    pub signing: TokenSigning,
    pub verifying: TokenKey,
}

impl Keys {
    /// A new key pair. Its tokens are valid for an hour.
    pub fn generate() -> Keys {
        let keys = KeyPair::generate();
        Keys {
            signing: TokenSigning {
                auth_private_key: keys.private,
                auth_token_life_s: 3600,
            },
            verifying: TokenKey {
                auth_public_key: keys.public,
            },
        }
    }

    pub fn issuer(&self) -> TokenIssuer {
        TokenIssuer::new(&self.signing, TOKEN_ISSUER).unwrap()
    }

    pub fn verifier(&self) -> TokenVerifier {
        TokenVerifier::new(&self.verifying, TOKEN_ISSUER).unwrap()
    }

    /// The token of a new customer.
    pub fn token(&self) -> String {
        self.issuer().issue(CustomerId::new().0).unwrap()
    }

    /// The environment variables of a process that issues and verifies tokens.
    pub fn variables(&self) -> [(&str, &str); 2] {
        [
            ("AUTH_PUBLIC_KEY", self.verifying.auth_public_key.expose()),
            ("AUTH_PRIVATE_KEY", self.signing.auth_private_key.expose()),
        ]
    }
}

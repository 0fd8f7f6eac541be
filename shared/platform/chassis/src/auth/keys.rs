//! Generation of key pairs.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::Pem;

/// A key pair for tokens, for tests and for systems that a program sets up.
pub struct KeyPair {
    /// The private key, in PKCS#8.
    pub private: Pem,
    /// The public key, in SubjectPublicKeyInfo.
    pub public: Pem,
}

impl KeyPair {
    /// Generates a key pair from the random numbers of the operating system.
    pub fn generate() -> KeyPair {
        // The bytes before the key in PKCS#8 and in SubjectPublicKeyInfo (RFC 8410, section 7).
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

fn pem(kind: &str, der: &[u8]) -> Pem {
    let body = STANDARD.encode(der);
    Pem::new(format!(
        "-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----\n"
    ))
}

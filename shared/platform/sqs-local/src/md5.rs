//! MD5 digests: every answer has one per body and one per set of attributes.

use md5::Digest;
use serde::{Serialize, Serializer};

/// A digest. It is written as lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Md5([u8; 16]);

impl Md5 {
    pub(crate) fn of(text: &[u8]) -> Md5 {
        Md5(md5::Md5::digest(text).into())
    }

    /// A digest that was computed before.
    pub(crate) fn of_bytes(bytes: [u8; 16]) -> Md5 {
        Md5(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Serialize for Md5 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (digits, byte) in text.as_chunks_mut().0.iter_mut().zip(self.0) {
            *digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
        }
        serializer.serialize_str(str::from_utf8(&text).expect("digits are ASCII"))
    }
}

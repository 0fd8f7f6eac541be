//! SKUs and quantities.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A stock keeping unit: 1 to 64 characters of `a-z`, `0-9` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(String);

/// A count of pieces, from 1 to 1,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Quantity(u32);

/// A text that is not a SKU.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be 1 to {max} characters of a-z, 0-9 and -", max = Sku::MAX_LENGTH)]
pub struct SkuError;

/// A count that is not a quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be a whole number from 1 to {max}", max = Quantity::MAX)]
pub struct QuantityError;

impl Sku {
    /// The most characters that a SKU may have.
    pub const MAX_LENGTH: usize = 64;

    /// Checks the length and the characters.
    pub fn parse(text: impl Into<String>) -> Result<Sku, SkuError> {
        let text = text.into();
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if text.is_empty() || text.len() > Sku::MAX_LENGTH || !text.bytes().all(allowed) {
            return Err(SkuError);
        }
        Ok(Sku(text))
    }

    /// The SKU as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Quantity {
    /// The most pieces in one line of an order.
    pub const MAX: u32 = 1_000;

    /// Checks the range.
    pub fn new(count: i64) -> Result<Quantity, QuantityError> {
        match u32::try_from(count) {
            Ok(count @ 1..=Quantity::MAX) => Ok(Quantity(count)),
            _ => Err(QuantityError),
        }
    }

    /// The count.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Sku {
    type Error = SkuError;

    fn try_from(text: String) -> Result<Sku, SkuError> {
        Sku::parse(text)
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> String {
        sku.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;

    fn try_from(count: i64) -> Result<Quantity, QuantityError> {
        Quantity::new(count)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> i64 {
        i64::from(quantity.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_is_short_and_plain() {
        let check = |text: &str, valid: bool| assert_eq!(Sku::parse(text).is_ok(), valid, "{text}");

        check("teapot-01", true);
        check(&"a".repeat(64), true);
        check(&"a".repeat(65), false);
        check("", false);
        check("Teapot", false);
        check("tea pot", false);
        check("teapöt", false);
    }

    #[test]
    fn a_quantity_is_one_to_a_thousand() {
        let check = |n: i64, valid: bool| assert_eq!(Quantity::new(n).is_ok(), valid, "{n}");

        check(1, true);
        check(1_000, true);
        check(0, false);
        check(-1, false);
        check(1_001, false);
        check(i64::MAX, false);
    }
}

//! Money: checked integer minor units with a currency.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The shop's currencies. All of them have two decimals (ISO 4217).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    Eur,
    Usd,
    Gbp,
}

/// An amount in minor units (cents, pence), never negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "MoneyParts")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why amounts cannot be created, added or multiplied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum MoneyError {
    #[error("an amount cannot be negative")]
    Negative,
    #[error("amounts of {0} and {1} cannot be added: keep an order in one currency")]
    MixedCurrencies(Currency, Currency),
    #[error("the amount is too large: split the order")]
    Overflow,
}

impl Money {
    /// An amount of `minor` units (cents, pence), from 0 to `i64::MAX`.
    pub fn new(minor: i64, currency: Currency) -> Result<Money, MoneyError> {
        if minor < 0 {
            return Err(MoneyError::Negative);
        }
        Ok(Money { minor, currency })
    }

    /// No money, in this currency.
    pub fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    /// The amount in minor units, as databases and payment providers use it.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency of the amount.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The sum. Fails if the currencies differ, or if the sum exceeds `i64::MAX` minor units.
    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies(self.currency, other.currency));
        }
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(MoneyError::Overflow)?;
        Ok(Money { minor, ..self })
    }

    /// The amount `count` times. Fails if the product exceeds `i64::MAX` minor units.
    pub fn times(self, count: u32) -> Result<Money, MoneyError> {
        let minor = self
            .minor
            .checked_mul(i64::from(count))
            .ok_or(MoneyError::Overflow)?;
        Ok(Money { minor, ..self })
    }
}

impl Currency {
    /// The ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Currency::Eur => "EUR",
            Currency::Usd => "USD",
            Currency::Gbp => "GBP",
        }
    }

    /// The currency of an ISO 4217 code, if it is one of the shop's.
    pub fn from_code(code: &str) -> Option<Currency> {
        [Currency::Eur, Currency::Usd, Currency::Gbp]
            .into_iter()
            .find(|c| c.code() == code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:02} {}",
            self.minor / 100,
            self.minor % 100,
            self.currency
        )
    }
}

/// An amount as deserialized, before it is checked.
#[derive(Deserialize)]
struct MoneyParts {
    minor: i64,
    currency: Currency,
}

impl TryFrom<MoneyParts> for Money {
    type Error = MoneyError;

    fn try_from(parts: MoneyParts) -> Result<Money, MoneyError> {
        Money::new(parts.minor, parts.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::Eur).unwrap()
    }

    #[test]
    fn sums_and_multiples_are_checked() {
        let check = |got: Result<Money, MoneyError>, expected| assert_eq!(got, expected);

        check(eur(150).plus(eur(250)), Ok(eur(400)));
        check(eur(150).times(3), Ok(eur(450)));
        check(eur(i64::MAX).plus(eur(1)), Err(MoneyError::Overflow));
        check(eur(i64::MAX).times(2), Err(MoneyError::Overflow));
        check(
            eur(1).plus(Money::zero(Currency::Usd)),
            Err(MoneyError::MixedCurrencies(Currency::Eur, Currency::Usd)),
        );
        check(Money::new(-1, Currency::Eur), Err(MoneyError::Negative));
    }

    #[test]
    fn a_negative_amount_does_not_come_in_over_a_wire() {
        let parsed = serde_json::from_str::<Money>(r#"{"minor":-5,"currency":"EUR"}"#);
        assert!(parsed.unwrap_err().to_string().contains("negative"));
    }

    #[test]
    fn amounts_print_as_people_write_them() {
        assert_eq!(eur(123_405).to_string(), "1234.05 EUR");
    }
}

//! An order: who buys what, for how much, and how it is paid.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{CustomerId, Money, MoneyError, OrderId, Quantity, Sku};

/// An order as placed. It never changes: what happens later is recorded as facts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The idempotency key of every call to the payment provider.
    pub id: OrderId,
    /// The customer who placed it.
    pub customer: CustomerId,
    /// What is ordered.
    pub lines: Lines,
    /// The sum of the lines: the amount of the payment.
    pub total: Money,
    /// The card that pays.
    pub payment_method: PaymentMethod,
}

/// One line: a product, how much of it, and the price of one piece when the order was placed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    pub sku: Sku,
    pub quantity: Quantity,
    pub unit_price: Money,
}

/// 1 to 50 lines with different products, sorted by SKU. Stock rows are locked in this order, so
/// two orders never deadlock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<Line>", into = "Vec<Line>")]
pub struct Lines(Vec<Line>);

/// The payment provider's token for a card: 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaymentMethod(String);

/// Why lines cannot form an order.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum LinesError {
    #[error("an order needs 1 to {max} lines", max = Lines::MAX)]
    Count,
    #[error("product {0} is in two lines: add up the quantities")]
    Repeated(Sku),
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A text that is not a payment method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be 1 to 64 characters of a-z, 0-9, _ and -")]
pub struct PaymentMethodError;

impl Order {
    /// A new order with a new id. Its total is the sum of its lines.
    pub fn place(
        customer: CustomerId,
        lines: Lines,
        payment_method: PaymentMethod,
    ) -> Result<Order, MoneyError> {
        let total = lines.total()?;
        Ok(Order {
            id: OrderId::new(),
            customer,
            lines,
            total,
            payment_method,
        })
    }
}

impl Lines {
    /// The most lines that an order may have.
    pub const MAX: usize = 50;

    /// Sorts the lines by SKU and checks them.
    pub fn new(mut lines: Vec<Line>) -> Result<Lines, LinesError> {
        if lines.is_empty() || lines.len() > Lines::MAX {
            return Err(LinesError::Count);
        }
        lines.sort_by(|a, b| a.sku.cmp(&b.sku));
        if let Some(pair) = lines.windows(2).find(|pair| pair[0].sku == pair[1].sku) {
            return Err(LinesError::Repeated(pair[0].sku.clone()));
        }
        let lines = Lines(lines);
        lines.total()?;
        Ok(lines)
    }

    /// The sum of all lines.
    pub fn total(&self) -> Result<Money, MoneyError> {
        let nothing = Money::zero(self.0[0].unit_price.currency());
        self.0.iter().try_fold(nothing, |sum, line| {
            sum.plus(line.unit_price.times(line.quantity.get())?)
        })
    }

    /// The lines, sorted by SKU.
    pub fn iter(&self) -> std::slice::Iter<'_, Line> {
        self.0.iter()
    }
}

impl PaymentMethod {
    /// Checks the length and the characters.
    pub fn parse(text: impl Into<String>) -> Result<PaymentMethod, PaymentMethodError> {
        let text = text.into();
        let allowed = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(allowed) {
            return Err(PaymentMethodError);
        }
        Ok(PaymentMethod(text))
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Vec<Line>> for Lines {
    type Error = LinesError;

    fn try_from(lines: Vec<Line>) -> Result<Lines, LinesError> {
        Lines::new(lines)
    }
}

impl From<Lines> for Vec<Line> {
    fn from(lines: Lines) -> Vec<Line> {
        lines.0
    }
}

impl<'a> IntoIterator for &'a Lines {
    type Item = &'a Line;
    type IntoIter = std::slice::Iter<'a, Line>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PaymentMethod {
    type Error = PaymentMethodError;

    fn try_from(text: String) -> Result<PaymentMethod, PaymentMethodError> {
        PaymentMethod::parse(text)
    }
}

impl From<PaymentMethod> for String {
    fn from(method: PaymentMethod) -> String {
        method.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn line(sku: &str, quantity: i64, minor: i64, currency: Currency) -> Line {
        Line {
            sku: Sku::parse(sku).unwrap(),
            quantity: Quantity::new(quantity).unwrap(),
            unit_price: Money::new(minor, currency).unwrap(),
        }
    }

    #[test]
    fn a_total_is_the_sum_over_lines() {
        let lines = vec![
            line("b", 2, 150, Currency::Eur),
            line("a", 1, 99, Currency::Eur),
        ];
        let total = Lines::new(lines).unwrap().total();
        assert_eq!(total, Money::new(399, Currency::Eur));
    }

    #[test]
    fn lines_are_sorted_as_their_rows_are_locked() {
        let lines = vec![
            line("b", 1, 1, Currency::Eur),
            line("a", 1, 1, Currency::Eur),
        ];
        let skus: Vec<_> = Lines::new(lines)
            .unwrap()
            .iter()
            .map(|l| l.sku.to_string())
            .collect();
        assert_eq!(skus, ["a", "b"]);
    }

    #[test]
    fn lines_that_make_no_order_are_refused() {
        let check = |lines: Vec<Line>, expected: &str| {
            assert!(
                Lines::new(lines)
                    .unwrap_err()
                    .to_string()
                    .contains(expected),
                "{expected}"
            );
        };
        let eur = |sku: &str| line(sku, 1, 1, Currency::Eur);

        check(vec![], "1 to 50 lines");
        check(
            (0..51).map(|n| eur(&format!("sku-{n}"))).collect(),
            "1 to 50 lines",
        );
        check(vec![eur("a"), eur("a")], "two lines");
        check(
            vec![eur("a"), line("b", 1, 1, Currency::Usd)],
            "one currency",
        );
        check(vec![line("a", 2, i64::MAX, Currency::Eur)], "too large");
    }
}

//! Stock: what is on the shelf, and what of it is promised.

use std::collections::BTreeMap;

use crate::{Lines, Refusal, Sku};

/// How much of one product is free to sell, and how much is promised to orders.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct StockLevel {
    /// Pieces that may still be promised.
    pub available: i64,
    /// Pieces that are promised to orders.
    pub reserved: i64,
}

/// The levels of the products one order needs: locked, changed, saved.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Stock(BTreeMap<Sku, StockLevel>);

impl FromIterator<(Sku, StockLevel)> for Stock {
    fn from_iter<I: IntoIterator<Item = (Sku, StockLevel)>>(levels: I) -> Stock {
        Stock(levels.into_iter().collect())
    }
}

impl Stock {
    /// All lines or none: an order is never reserved in part.
    pub fn reserve(&mut self, lines: &Lines) -> Result<(), Refusal> {
        let covers = |line: &crate::Line| self.available(&line.sku) >= count(line);
        if !lines.iter().all(covers) {
            return Err(Refusal::OutOfStock);
        }
        self.shift(lines, 1);
        Ok(())
    }

    /// Puts back what [`reserve`](Stock::reserve) took.
    pub fn release(&mut self, lines: &Lines) {
        self.shift(lines, -1);
    }

    pub fn levels(&self) -> impl Iterator<Item = (&Sku, StockLevel)> {
        self.0.iter().map(|(sku, level)| (sku, *level))
    }

    fn available(&self, sku: &Sku) -> i64 {
        self.0.get(sku).map_or(0, |level| level.available)
    }

    fn shift(&mut self, lines: &Lines, direction: i64) {
        for line in lines {
            if let Some(level) = self.0.get_mut(&line.sku) {
                level.available -= direction * count(line);
                level.reserved += direction * count(line);
            }
        }
    }
}

fn count(line: &crate::Line) -> i64 {
    i64::from(line.quantity.get())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Currency, Line, Money, Quantity};

    fn lines(wanted: &[(&str, i64)]) -> Lines {
        let line = |(sku, quantity): &(&str, i64)| Line {
            sku: Sku::parse(*sku).unwrap(),
            quantity: Quantity::new(*quantity).unwrap(),
            unit_price: Money::new(100, Currency::Eur).unwrap(),
        };
        Lines::new(wanted.iter().map(line).collect()).unwrap()
    }

    fn stock(available: &[(&str, i64)]) -> Stock {
        let level = |(sku, available): &(&str, i64)| {
            let level = StockLevel {
                available: *available,
                reserved: 0,
            };
            (Sku::parse(*sku).unwrap(), level)
        };
        available.iter().map(level).collect()
    }

    #[test]
    fn an_order_is_reserved_whole_or_not_at_all() {
        let check = |wanted: &[(&str, i64)], expected| {
            let before = stock(&[("a", 2), ("b", 1)]);
            let mut after = before.clone();
            assert_eq!(after.reserve(&lines(wanted)), expected, "{wanted:?}");
            assert_eq!(after != before, expected.is_ok(), "{wanted:?}");
        };

        check(&[("a", 2)], Ok(()));
        check(&[("a", 2), ("b", 1)], Ok(()));
        check(&[("a", 1), ("b", 2)], Err(Refusal::OutOfStock));
        check(&[("a", 3)], Err(Refusal::OutOfStock));
        check(&[("unknown", 1)], Err(Refusal::OutOfStock));
    }

    proptest! {
        #[test]
        fn stock_is_conserved_and_never_negative(
            shelf in 0i64..50,
            steps in prop::collection::vec((1i64..20, any::<bool>()), 0..40),
        ) {
            let mut stock = stock(&[("a", shelf)]);
            let mut held: Vec<Lines> = vec![];
            for (quantity, take) in steps {
                let wanted = lines(&[("a", quantity)]);
                if take && stock.reserve(&wanted).is_ok() {
                    held.push(wanted);
                } else if let Some(back) = held.pop() {
                    stock.release(&back);
                }
                let (_, level) = stock.levels().next().unwrap();
                prop_assert_eq!(level.available + level.reserved, shelf);
                prop_assert!(level.available >= 0 && level.reserved >= 0);
            }
        }
    }
}

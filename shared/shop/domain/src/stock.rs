//! Stock levels, and the reservations that change them.

use std::collections::BTreeMap;

use crate::{Line, Lines, Order, OrderId, Reservation, Sku};

/// The stock level of one product.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct StockLevel {
    /// Pieces that can still be reserved.
    pub available: i64,
    /// Pieces that are reserved for orders.
    pub reserved: i64,
}

/// The stock levels of some products, and the reservations of some orders: loaded, changed and
/// saved together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Stock {
    levels: BTreeMap<Sku, StockLevel>,
    reservations: BTreeMap<OrderId, Reservation>,
    /// The lines of the reservations that have changed since, and must be saved.
    decided: BTreeMap<OrderId, Lines>,
}

impl FromIterator<(Sku, StockLevel)> for Stock {
    fn from_iter<I: IntoIterator<Item = (Sku, StockLevel)>>(levels: I) -> Stock {
        Stock {
            levels: levels.into_iter().collect(),
            ..Stock::default()
        }
    }
}

impl Stock {
    /// Adds the reservations that exist already.
    pub fn with_reservations(
        self,
        reservations: impl IntoIterator<Item = (OrderId, Reservation)>,
    ) -> Stock {
        Stock {
            reservations: reservations.into_iter().collect(),
            ..self
        }
    }

    /// Reserves all lines of the order or none, and returns its reservation. A reservation that
    /// exists stays as it is, so an order that was cancelled first reserves nothing.
    pub fn reserve(&mut self, order: &Order) -> Reservation {
        if let Some(decided) = self.reservations.get(&order.id) {
            return *decided;
        }
        let reservation = if self.covers(&order.lines) {
            self.shift(&order.lines, 1);
            Reservation::Held
        } else {
            Reservation::Rejected
        };
        self.decide(order, reservation);
        reservation
    }

    /// Puts back what the order has reserved. If it has no reservation yet, adds a released one as
    /// a tombstone, so that the order reserves nothing later.
    pub fn release(&mut self, order: &Order) {
        let before = self.reservations.get(&order.id);
        let mut reservation = before.copied().unwrap_or(Reservation::Released);
        if reservation.release() {
            self.shift(&order.lines, -1);
        }
        self.decide(order, reservation);
    }

    /// The reservations that must be saved, with the lines of their orders.
    pub fn decided(&self) -> impl Iterator<Item = (OrderId, Reservation, &Lines)> {
        let decided = self.decided.iter();
        decided.map(|(order, lines)| (*order, self.reservations[order], lines))
    }

    /// The level of each product, sorted by SKU.
    pub fn levels(&self) -> impl Iterator<Item = (&Sku, StockLevel)> {
        self.levels.iter().map(|(sku, level)| (sku, *level))
    }

    fn decide(&mut self, order: &Order, reservation: Reservation) {
        if self.reservations.insert(order.id, reservation) != Some(reservation) {
            self.decided.insert(order.id, order.lines.clone());
        }
    }

    fn covers(&self, lines: &Lines) -> bool {
        let covers = |line: &Line| self.available(&line.sku) >= count(line);
        lines.iter().all(covers)
    }

    fn available(&self, sku: &Sku) -> i64 {
        self.levels.get(sku).map_or(0, |level| level.available)
    }

    fn shift(&mut self, lines: &Lines, direction: i64) {
        for line in lines {
            if let Some(level) = self.levels.get_mut(&line.sku) {
                level.available -= direction * count(line);
                level.reserved += direction * count(line);
            }
        }
    }
}

fn count(line: &Line) -> i64 {
    i64::from(line.quantity.get())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Currency, CustomerId, Money, PaymentMethod, Quantity};

    fn order(items: &[(&str, i64)]) -> Order {
        let line = |(sku, quantity): &(&str, i64)| Line {
            sku: Sku::parse(*sku).unwrap(),
            quantity: Quantity::new(*quantity).unwrap(),
            unit_price: Money::new(100, Currency::Eur).unwrap(),
        };
        let lines = Lines::new(items.iter().map(line).collect()).unwrap();
        let method = PaymentMethod::parse("tok_ok").unwrap();
        Order::place(CustomerId::new(), lines, method).unwrap()
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
        let check = |items: &[(&str, i64)], expected| {
            let before = stock(&[("a", 2), ("b", 1)]);
            let mut after = before.clone();
            assert_eq!(after.reserve(&order(items)), expected, "{items:?}");
            let is_held = expected == Reservation::Held;
            assert_eq!(after.levels != before.levels, is_held, "{items:?}");
        };

        check(&[("a", 2)], Reservation::Held);
        check(&[("a", 2), ("b", 1)], Reservation::Held);
        check(&[("a", 1), ("b", 2)], Reservation::Rejected);
        check(&[("a", 3)], Reservation::Rejected);
        check(&[("unknown", 1)], Reservation::Rejected);
    }

    #[test]
    fn a_reservation_is_decided_once() {
        let mut stock = stock(&[("a", 2)]);
        let order = order(&[("a", 2)]);
        assert_eq!(stock.reserve(&order), Reservation::Held);
        let held = stock.clone();
        assert_eq!(stock.reserve(&order), Reservation::Held);
        assert_eq!(stock, held);
    }

    #[test]
    fn an_order_that_was_released_first_reserves_nothing() {
        let mut stock = stock(&[("a", 2)]);
        let order = order(&[("a", 2)]);
        stock.release(&order);
        assert_eq!(stock.reserve(&order), Reservation::Released);
        assert_eq!(stock.available(&Sku::parse("a").unwrap()), 2);
    }

    #[test]
    fn only_what_was_decided_since_the_load_is_saved() {
        let (held, new) = (order(&[("a", 1)]), order(&[("a", 1)]));
        let mut stock = stock(&[("a", 2)]).with_reservations([(held.id, Reservation::Held)]);
        stock.reserve(&held);
        stock.reserve(&new);
        let decided: Vec<_> = stock.decided().map(|(order, ..)| order).collect();
        assert_eq!(decided, [new.id]);
    }

    proptest! {
        #[test]
        fn stock_is_conserved_and_never_negative(
            shelf in 0i64..50,
            steps in prop::collection::vec((1i64..20, any::<bool>()), 0..40),
        ) {
            let mut stock = stock(&[("a", shelf)]);
            let mut held: Vec<Order> = vec![];
            for (quantity, take) in steps {
                let new = order(&[("a", quantity)]);
                if take && stock.reserve(&new) == Reservation::Held {
                    held.push(new);
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

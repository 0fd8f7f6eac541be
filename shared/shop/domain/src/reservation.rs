//! A reservation: an order's hold on stock.

use serde::{Deserialize, Serialize};

use crate::Fact;

/// The state of one order's reservation. Only `Held` holds stock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reservation {
    Held,
    Rejected,
    Released,
}

impl Reservation {
    /// Every state.
    pub const ALL: [Reservation; 3] = [
        Reservation::Held,
        Reservation::Rejected,
        Reservation::Released,
    ];

    /// Releases the stock, because the order was cancelled. Returns `true` if there is stock to put
    /// back, so at most once.
    pub fn release(&mut self) -> bool {
        let held = *self == Reservation::Held;
        if held {
            *self = Reservation::Released;
        }
        held
    }

    /// The fact about the decision: `StockReserved` or `StockRejected`. `None` if the order was
    /// cancelled.
    pub fn fact(self) -> Option<Fact> {
        match self {
            Reservation::Held => Some(Fact::StockReserved),
            Reservation::Rejected => Some(Fact::StockRejected),
            Reservation::Released => None,
        }
    }

    /// The name in databases.
    pub fn as_str(self) -> &'static str {
        match self {
            Reservation::Held => "held",
            Reservation::Rejected => "rejected",
            Reservation::Released => "released",
        }
    }

    /// The state with this name. `None` if no state has it.
    pub fn from_name(name: &str) -> Option<Reservation> {
        Reservation::ALL
            .into_iter()
            .find(|reservation| reservation.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_is_put_back_once() {
        let mut reservation = Reservation::Held;
        assert!(reservation.release());
        assert!(!reservation.release());
        let mut rejected = Reservation::Rejected;
        assert!(!rejected.release());
    }

    #[test]
    fn a_cancelled_order_has_no_fact_about_its_stock() {
        assert_eq!(Reservation::Held.fact(), Some(Fact::StockReserved));
        assert_eq!(Reservation::Rejected.fact(), Some(Fact::StockRejected));
        assert_eq!(Reservation::Released.fact(), None);
    }

    #[test]
    fn every_reservation_is_found_by_its_name() {
        for reservation in Reservation::ALL {
            assert_eq!(
                Reservation::from_name(reservation.as_str()),
                Some(reservation)
            );
        }
    }
}

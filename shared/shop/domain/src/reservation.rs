//! A reservation: an order's hold on stock.

use serde::{Deserialize, Serialize};

use crate::Fact;

/// What became of the stock of one order. Only `Held` holds any.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reservation {
    Held,
    Rejected,
    Released,
}

impl Reservation {
    pub const ALL: [Reservation; 3] = [
        Reservation::Held,
        Reservation::Rejected,
        Reservation::Released,
    ];

    /// The order was cancelled. `true` when there is stock to put back, which is so only once.
    pub fn release(&mut self) -> bool {
        let held = *self == Reservation::Held;
        if held {
            *self = Reservation::Released;
        }
        held
    }

    /// What was decided about the stock, to tell it again. `None` for an order that was cancelled.
    pub fn decision(self) -> Option<Fact> {
        match self {
            Reservation::Held => Some(Fact::StockReserved),
            Reservation::Rejected => Some(Fact::StockRejected),
            Reservation::Released => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Reservation::Held => "held",
            Reservation::Rejected => "rejected",
            Reservation::Released => "released",
        }
    }

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
    fn a_cancelled_order_has_nothing_to_tell_of_its_stock() {
        assert_eq!(Reservation::Held.decision(), Some(Fact::StockReserved));
        assert_eq!(Reservation::Rejected.decision(), Some(Fact::StockRejected));
        assert_eq!(Reservation::Released.decision(), None);
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

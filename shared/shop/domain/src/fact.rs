//! The facts of an order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that happened to an order. A fact is never removed; a later one may outweigh it.
///
/// Facts are ordered by cause and effect: a cause is less than its effects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    OrderPlaced,
    PaymentAuthorized,
    PaymentDeclined,
    StockReserved,
    StockRejected,
    ShipmentScheduled,
    Dispatched,
    CancelRequested,
    ShipmentCancelled,
    CancelRefused,
}

impl Fact {
    /// Every fact, causes before effects.
    pub const ALL: [Fact; 10] = [
        Fact::OrderPlaced,
        Fact::PaymentAuthorized,
        Fact::PaymentDeclined,
        Fact::StockReserved,
        Fact::StockRejected,
        Fact::ShipmentScheduled,
        Fact::Dispatched,
        Fact::CancelRequested,
        Fact::ShipmentCancelled,
        Fact::CancelRefused,
    ];

    /// The name in databases, messages and HTTP bodies.
    pub fn as_str(self) -> &'static str {
        match self {
            Fact::OrderPlaced => "order_placed",
            Fact::PaymentAuthorized => "payment_authorized",
            Fact::PaymentDeclined => "payment_declined",
            Fact::StockReserved => "stock_reserved",
            Fact::StockRejected => "stock_rejected",
            Fact::ShipmentScheduled => "shipment_scheduled",
            Fact::Dispatched => "dispatched",
            Fact::CancelRequested => "cancel_requested",
            Fact::ShipmentCancelled => "shipment_cancelled",
            Fact::CancelRefused => "cancel_refused",
        }
    }

    /// The fact with this name. `None` if no fact has it.
    pub fn from_name(name: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|fact| fact.as_str() == name)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of facts. Adding a fact twice changes nothing, and the set has no sequence: a status
/// cannot depend on what is not stored.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Facts(u16);

impl Facts {
    /// The empty set.
    pub fn none() -> Facts {
        Facts::default()
    }

    /// The set with one more fact.
    pub fn with(self, fact: Fact) -> Facts {
        Facts(self.0 | (1 << fact as u16))
    }

    /// Whether the fact is in the set.
    pub fn has(self, fact: Fact) -> bool {
        self.0 & (1 << fact as u16) != 0
    }
}

impl FromIterator<Fact> for Facts {
    fn from_iter<I: IntoIterator<Item = Fact>>(facts: I) -> Facts {
        facts.into_iter().fold(Facts::none(), Facts::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_found_by_its_name_and_serialized_under_it() {
        for fact in Fact::ALL {
            assert_eq!(Fact::from_name(fact.as_str()), Some(fact));
            let json = serde_json::to_string(&fact).unwrap();
            assert_eq!(json, format!("\"{fact}\""));
        }
        assert_eq!(Fact::from_name("order_lost"), None);
    }
}

//! How the shop says no, and what it never says.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Fact;

/// A business "no": an answer like any other, and never a 500.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("the payment was declined")]
    PaymentDeclined,
    #[error("a product is out of stock")]
    OutOfStock,
    #[error("the order was already dispatched")]
    TooLateToCancel,
}

/// A step that a state machine does not know: a bug or a corrupted row, never a customer's doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a {machine} that is {from} cannot be {to}")]
pub struct IllegalMove {
    pub machine: &'static str,
    pub from: &'static str,
    pub to: &'static str,
}

/// A refusal is something that happened, and the order remembers it.
impl From<Refusal> for Fact {
    fn from(refusal: Refusal) -> Fact {
        match refusal {
            Refusal::PaymentDeclined => Fact::PaymentDeclined,
            Refusal::OutOfStock => Fact::StockRejected,
            Refusal::TooLateToCancel => Fact::CancelRefused,
        }
    }
}

//! Business refusals, and illegal moves.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Fact;

/// A business "no": a normal answer, never a status 500.
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

/// A move that a state machine does not allow: a bug or a corrupted row, never a customer's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a {machine} that is {from} cannot be {to}")]
pub struct IllegalMove {
    /// The kind of state machine, such as `payment`.
    pub machine: &'static str,
    /// The current state.
    pub from: &'static str,
    /// The state that it cannot reach.
    pub to: &'static str,
}

/// Every refusal is recorded as a fact of its order.
impl From<Refusal> for Fact {
    fn from(refusal: Refusal) -> Fact {
        match refusal {
            Refusal::PaymentDeclined => Fact::PaymentDeclined,
            Refusal::OutOfStock => Fact::StockRejected,
            Refusal::TooLateToCancel => Fact::CancelRefused,
        }
    }
}

//! An entry of the ledger: what is known of the money of one order.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The state of one order's money at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Declined,
    Authorized,
    Captured,
    Voided,
    Refunded,
}

/// A request to authorize a payment. The order's id is its idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The idempotency key.
    pub order_id: Uuid,
    /// In the currency's smallest unit, at least 1.
    pub amount_minor: i64,
    /// An ISO 4217 code.
    pub currency: String,
    /// The token for the customer's card.
    pub payment_method: String,
}

/// The entry of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The order that it is for.
    pub order_id: Uuid,
    /// The state of its money.
    pub status: Status,
    /// `None` for an order that was voided before it was authorized.
    pub authorization: Option<Authorization>,
    /// When the entry was created, in milliseconds since 1970.
    pub created_at_ms: u64,
}

impl Status {
    /// The name in its JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Declined => "declined",
            Status::Authorized => "authorized",
            Status::Captured => "captured",
            Status::Voided => "voided",
            Status::Refunded => "refunded",
        }
    }
}

impl Entry {
    /// The same entry in another state.
    pub(crate) fn now(&self, status: Status) -> Self {
        Self {
            status,
            ..self.clone()
        }
    }
}

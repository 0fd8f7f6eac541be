//! Ids, as newtypes over UUIDv7, so that one cannot be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An order. UUIDv7 begins with the time, so new rows land at the end of an index (RFC 9562, 5.7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub Uuid);

/// A customer: the subject of an access token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerId(pub Uuid);

impl OrderId {
    /// A new id, which begins with the current time.
    pub fn new() -> OrderId {
        OrderId(Uuid::now_v7())
    }
}

impl CustomerId {
    /// A new id, which begins with the current time.
    pub fn new() -> CustomerId {
        CustomerId(Uuid::now_v7())
    }
}

impl Default for OrderId {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for CustomerId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for OrderId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<OrderId, uuid::Error> {
        text.parse().map(OrderId)
    }
}

impl FromStr for CustomerId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<CustomerId, uuid::Error> {
        text.parse().map(CustomerId)
    }
}

//! The payment provider's ledger: what it has on record for each order.

use anyhow::Context;
use serde::Deserialize;
use uuid::Uuid;

use super::http::client;

/// The provider's record of an order.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct LedgerEntry {
    pub order_id: Uuid,
    /// `authorized`, `declined`, `captured`, `voided` or `refunded`.
    pub status: String,
    /// `None` for an order that was voided before it was authorized.
    pub authorization: Option<Authorization>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Authorization {
    pub amount_minor: i64,
}

/// A client of the provider's ledger.
#[derive(Clone, Debug)]
pub struct Ledger {
    url: String,
    http: reqwest::Client,
}

impl Ledger {
    /// The ledger of the provider at this address.
    pub fn at(provider: &str) -> Ledger {
        Ledger {
            url: format!("{provider}/ledger"),
            http: client(provider),
        }
    }

    /// # Errors
    /// When there is no answer, or it is no ledger.
    pub async fn entries(&self) -> anyhow::Result<Vec<LedgerEntry>> {
        let answer = self.http.get(&self.url).send().await;
        let answer =
            answer.with_context(|| format!("no payment provider answers at {}", self.url))?;
        let entries = answer.error_for_status()?.bytes().await?;
        strict_json::from_slice(&entries)
            .with_context(|| format!("there is no ledger at {}", self.url))
    }
}

//! The provider's ledger: one entry per order. Every operation is idempotent.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use uuid::Uuid;

use crate::entry::{Authorization, Entry, Status};
use crate::journal::Journal;

/// Why a request does not change the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("order {0} has no authorization")]
    Unknown(Uuid),
    #[error("order {0} was authorized before with another amount or payment method")]
    Different(Uuid),
    #[error("a {from:?} payment cannot be {to:?}")]
    Illegal { from: Status, to: Status },
    #[error("the amount must be at least 1")]
    Amount,
    #[error("the journal cannot be written: {0}")]
    Journal(String),
}

/// The entries in memory, and in a journal if there is one, which is written first.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<Uuid, Entry>,
    journal: Option<Journal>,
}

impl Ledger {
    /// The ledger of this journal, which every change is appended to.
    pub(crate) fn open(journal: &Path) -> io::Result<Self> {
        let (journal, entries) = Journal::open(journal)?;
        Ok(Self {
            entries,
            journal: Some(journal),
        })
    }

    /// Returns `Authorized` or `Declined`, and the same for a repeated request. An order that was
    /// voided first is declined, so a late request takes no money.
    ///
    /// # Errors
    /// When the amount is less than 1, or differs from an earlier request.
    pub fn authorize(
        &mut self,
        request: Authorization,
        accepted: bool,
        now_ms: u64,
    ) -> Result<Status, Refusal> {
        if request.amount_minor < 1 {
            return Err(Refusal::Amount);
        }

        let order_id = request.order_id;
        let Some(entry) = self.entries.get(&order_id) else {
            let status = if accepted {
                Status::Authorized
            } else {
                Status::Declined
            };
            return self.record(Entry {
                order_id,
                status,
                authorization: Some(request),
                created_at_ms: now_ms,
            });
        };

        let before = entry.authorization.as_ref();
        if before.is_some_and(|before| *before != request) {
            return Err(Refusal::Different(order_id));
        }
        Ok(match entry.status {
            Status::Authorized | Status::Captured => Status::Authorized,
            Status::Declined | Status::Voided | Status::Refunded => Status::Declined,
        })
    }

    /// Captures an authorization.
    ///
    /// # Errors
    /// When there is none, or it was voided or refunded.
    pub fn capture(&mut self, order_id: Uuid) -> Result<Status, Refusal> {
        let entry = self.find(order_id)?;
        match entry.status {
            Status::Captured => Ok(entry.status),
            Status::Authorized => self.record(entry.now(Status::Captured)),
            from => Err(Refusal::Illegal {
                from,
                to: Status::Captured,
            }),
        }
    }

    /// Voids an authorization. An unknown order gets a voided entry.
    ///
    /// # Errors
    /// When it was captured or refunded.
    pub fn void(&mut self, order_id: Uuid, now_ms: u64) -> Result<Status, Refusal> {
        let Some(entry) = self.entries.get(&order_id) else {
            return self.record(Entry {
                order_id,
                status: Status::Voided,
                authorization: None,
                created_at_ms: now_ms,
            });
        };
        match entry.status {
            Status::Voided | Status::Declined => Ok(entry.status),
            Status::Authorized => self.record(entry.now(Status::Voided)),
            from => Err(Refusal::Illegal {
                from,
                to: Status::Voided,
            }),
        }
    }

    /// Refunds a captured payment.
    ///
    /// # Errors
    /// When it is not captured.
    pub fn refund(&mut self, order_id: Uuid) -> Result<Status, Refusal> {
        let entry = self.find(order_id)?;
        match entry.status {
            Status::Refunded => Ok(entry.status),
            Status::Captured => self.record(entry.now(Status::Refunded)),
            from => Err(Refusal::Illegal {
                from,
                to: Status::Refunded,
            }),
        }
    }

    /// Every entry, sorted by order id.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    fn find(&self, order_id: Uuid) -> Result<&Entry, Refusal> {
        self.entries
            .get(&order_id)
            .ok_or(Refusal::Unknown(order_id))
    }

    fn record(&mut self, entry: Entry) -> Result<Status, Refusal> {
        if let Some(journal) = &mut self.journal {
            let written = journal.append(&entry);
            written.map_err(|error| Refusal::Journal(error.to_string()))?;
        }
        let status = entry.status;
        self.entries.insert(entry.order_id, entry);
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: Uuid = Uuid::from_u128(7);

    fn request(amount_minor: i64) -> Authorization {
        Authorization {
            order_id: ORDER,
            amount_minor,
            currency: "EUR".to_owned(),
            payment_method: "tok_ok".to_owned(),
        }
    }

    fn authorized() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.authorize(request(100), true, 0).unwrap();
        ledger
    }

    #[test]
    fn every_operation_can_be_repeated() {
        let mut ledger = authorized();
        assert_eq!(
            ledger.authorize(request(100), false, 1),
            Ok(Status::Authorized)
        );
        assert_eq!(ledger.capture(ORDER), Ok(Status::Captured));
        assert_eq!(ledger.capture(ORDER), Ok(Status::Captured));
        assert_eq!(
            ledger.authorize(request(100), true, 2),
            Ok(Status::Authorized)
        );
        assert_eq!(ledger.refund(ORDER), Ok(Status::Refunded));
        assert_eq!(ledger.refund(ORDER), Ok(Status::Refunded));
        assert_eq!(ledger.entries().count(), 1);
    }

    #[test]
    fn a_late_authorization_of_a_voided_order_is_declined() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.void(ORDER, 0), Ok(Status::Voided));
        assert_eq!(
            ledger.authorize(request(100), true, 1),
            Ok(Status::Declined)
        );
        assert_eq!(ledger.void(ORDER, 2), Ok(Status::Voided));
    }

    #[test]
    fn an_order_has_one_price() {
        let mut ledger = authorized();
        assert_eq!(
            ledger.authorize(request(101), true, 1),
            Err(Refusal::Different(ORDER))
        );
        assert_eq!(
            Ledger::default().authorize(request(0), true, 1),
            Err(Refusal::Amount)
        );
    }

    #[test]
    fn money_moves_one_way() {
        let illegal = |from, to| Err(Refusal::Illegal { from, to });
        let mut captured = authorized();
        captured.capture(ORDER).unwrap();
        assert_eq!(
            captured.void(ORDER, 0),
            illegal(Status::Captured, Status::Voided)
        );

        let mut voided = authorized();
        voided.void(ORDER, 0).unwrap();
        assert_eq!(
            voided.capture(ORDER),
            illegal(Status::Voided, Status::Captured)
        );

        assert_eq!(
            authorized().refund(ORDER),
            illegal(Status::Authorized, Status::Refunded)
        );
        assert_eq!(
            Ledger::default().capture(ORDER),
            Err(Refusal::Unknown(ORDER))
        );
        assert_eq!(
            Ledger::default().refund(ORDER),
            Err(Refusal::Unknown(ORDER))
        );
    }
}

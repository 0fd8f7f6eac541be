//! A shipment, and the race between its dispatch and its cancellation.

use serde::{Deserialize, Serialize};

use crate::{Fact, Refusal};

/// Where the parcel of one order is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shipment {
    /// Waits for the end of the cancellation window.
    Scheduled,
    Dispatched,
    Cancelled,
}

/// How the race ended. Whoever holds the shipment's row decides it, and nobody else.
pub type CancelDecision = Result<(), Refusal>;

impl Shipment {
    pub const ALL: [Shipment; 3] = [
        Shipment::Scheduled,
        Shipment::Dispatched,
        Shipment::Cancelled,
    ];

    /// The cancellation window has ended. `false` when the order was cancelled within it, or this
    /// is heard a second time.
    pub fn dispatch(&mut self) -> bool {
        let won = *self == Shipment::Scheduled;
        if won {
            *self = Shipment::Dispatched;
        }
        won
    }

    /// The customer no longer wants the order.
    pub fn cancel(&mut self) -> CancelDecision {
        match self {
            Shipment::Scheduled | Shipment::Cancelled => {
                *self = Shipment::Cancelled;
                Ok(())
            }
            Shipment::Dispatched => Err(Refusal::TooLateToCancel),
        }
    }

    /// What was decided about the parcel, to tell it again.
    pub fn decision(self) -> Fact {
        match self {
            Shipment::Scheduled => Fact::ShipmentScheduled,
            Shipment::Dispatched => Fact::Dispatched,
            Shipment::Cancelled => Fact::ShipmentCancelled,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Shipment::Scheduled => "scheduled",
            Shipment::Dispatched => "dispatched",
            Shipment::Cancelled => "cancelled",
        }
    }

    pub fn from_name(name: &str) -> Option<Shipment> {
        Shipment::ALL
            .into_iter()
            .find(|shipment| shipment.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_dispatch_or_cancel_wins_and_the_winner_stays() {
        let mut sent = Shipment::Scheduled;
        assert!(sent.dispatch());
        assert_eq!(sent.cancel(), Err(Refusal::TooLateToCancel));
        assert!(!sent.dispatch());
        assert_eq!(sent, Shipment::Dispatched);

        let mut kept = Shipment::Scheduled;
        assert_eq!(kept.cancel(), Ok(()));
        assert!(!kept.dispatch());
        assert_eq!(kept.cancel(), Ok(()));
        assert_eq!(kept, Shipment::Cancelled);
    }

    #[test]
    fn a_decision_is_told_again_as_it_was() {
        let mut shipment = Shipment::Scheduled;
        assert_eq!(shipment.decision(), Fact::ShipmentScheduled);
        shipment.dispatch();
        assert_eq!(shipment.decision(), Fact::Dispatched);
        assert_eq!(Shipment::Cancelled.decision(), Fact::ShipmentCancelled);
    }

    #[test]
    fn every_shipment_is_found_by_its_name() {
        for shipment in Shipment::ALL {
            assert_eq!(Shipment::from_name(shipment.as_str()), Some(shipment));
        }
    }
}

//! A shipment: the race between dispatch and cancel is decided here.

use serde::{Deserialize, Serialize};

use crate::{Fact, Refusal};

/// The state of one order's parcel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shipment {
    /// Waits for the end of the cancellation window.
    Scheduled,
    Dispatched,
    Cancelled,
}

/// The result of a request to cancel. It is decided under the lock of the shipment's row.
pub type CancelDecision = Result<(), Refusal>;

impl Shipment {
    /// Every state.
    pub const ALL: [Shipment; 3] = [
        Shipment::Scheduled,
        Shipment::Dispatched,
        Shipment::Cancelled,
    ];

    /// Dispatches the shipment at the end of its cancellation window. Returns `false`, and changes
    /// nothing, if it was cancelled or dispatched before.
    pub fn dispatch(&mut self) -> bool {
        let won = *self == Shipment::Scheduled;
        if won {
            *self = Shipment::Dispatched;
        }
        won
    }

    /// Cancels the shipment. Fails if it was dispatched.
    pub fn cancel(&mut self) -> CancelDecision {
        match self {
            Shipment::Scheduled | Shipment::Cancelled => {
                *self = Shipment::Cancelled;
                Ok(())
            }
            Shipment::Dispatched => Err(Refusal::TooLateToCancel),
        }
    }

    /// The fact that corresponds to this state.
    pub fn fact(self) -> Fact {
        match self {
            Shipment::Scheduled => Fact::ShipmentScheduled,
            Shipment::Dispatched => Fact::Dispatched,
            Shipment::Cancelled => Fact::ShipmentCancelled,
        }
    }

    /// The name in databases.
    pub fn as_str(self) -> &'static str {
        match self {
            Shipment::Scheduled => "scheduled",
            Shipment::Dispatched => "dispatched",
            Shipment::Cancelled => "cancelled",
        }
    }

    /// The state with this name. `None` if no state has it.
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
    fn a_repeated_event_gets_the_same_fact_again() {
        let mut shipment = Shipment::Scheduled;
        assert_eq!(shipment.fact(), Fact::ShipmentScheduled);
        shipment.dispatch();
        assert_eq!(shipment.fact(), Fact::Dispatched);
        assert_eq!(Shipment::Cancelled.fact(), Fact::ShipmentCancelled);
    }

    #[test]
    fn every_shipment_is_found_by_its_name() {
        for shipment in Shipment::ALL {
            assert_eq!(Shipment::from_name(shipment.as_str()), Some(shipment));
        }
    }
}

//! A payment, and the moves it can make.

use serde::{Deserialize, Serialize};

use crate::{Fact, IllegalMove};

/// Where the money of one order is.
///
/// The `…Due` states are promises written down before the provider is called, so that a process
/// that dies in between leaves a row that says what is still owed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    Declined,
    Authorized,
    CaptureDue,
    Captured,
    VoidDue,
    Voided,
    RefundDue,
    Refunded,
    /// The provider refused for good what was due. A person has to find out where the money is.
    Refused,
}

impl Payment {
    pub const ALL: [Payment; 9] = [
        Payment::Declined,
        Payment::Authorized,
        Payment::CaptureDue,
        Payment::Captured,
        Payment::VoidDue,
        Payment::Voided,
        Payment::RefundDue,
        Payment::Refunded,
        Payment::Refused,
    ];

    /// The order was dispatched: the money is ours to take.
    pub fn capture(self) -> Result<Payment, IllegalMove> {
        match self {
            Payment::Authorized | Payment::CaptureDue => Ok(Payment::CaptureDue),
            Payment::Captured => Ok(Payment::Captured),
            Payment::Declined
            | Payment::VoidDue
            | Payment::Voided
            | Payment::RefundDue
            | Payment::Refunded
            | Payment::Refused => Err(self.illegal("captured")),
        }
    }

    /// The order was cancelled: what was only set aside is voided, what was taken is refunded.
    pub fn give_back(self) -> Result<Payment, IllegalMove> {
        match self {
            Payment::Authorized | Payment::VoidDue => Ok(Payment::VoidDue),
            Payment::Captured | Payment::RefundDue => Ok(Payment::RefundDue),
            Payment::Declined | Payment::Voided | Payment::Refunded => Ok(self),
            // A capture under way may or may not have reached the provider: ask again when it has.
            Payment::CaptureDue | Payment::Refused => Err(self.illegal("given back")),
        }
    }

    /// The provider has done what was due.
    pub fn done(self) -> Payment {
        match self {
            Payment::CaptureDue => Payment::Captured,
            Payment::VoidDue => Payment::Voided,
            Payment::RefundDue => Payment::Refunded,
            nothing_due => nothing_due,
        }
    }

    /// How the authorization was decided, to tell it again. `None` for an order that was cancelled:
    /// its money goes back, and nothing is to be set aside for it.
    pub fn decision(self) -> Option<Fact> {
        match self {
            Payment::Authorized | Payment::CaptureDue | Payment::Captured => {
                Some(Fact::PaymentAuthorized)
            }
            Payment::Declined => Some(Fact::PaymentDeclined),
            Payment::VoidDue
            | Payment::Voided
            | Payment::RefundDue
            | Payment::Refunded
            | Payment::Refused => None,
        }
    }

    /// The provider has refused for good what was due.
    pub fn refused(self) -> Payment {
        match self {
            Payment::CaptureDue | Payment::VoidDue | Payment::RefundDue => Payment::Refused,
            nothing_due => nothing_due,
        }
    }

    /// Whether the customer's money is set aside for the shop, or taken.
    pub fn holds_money(self) -> bool {
        !matches!(
            self,
            Payment::Declined | Payment::Voided | Payment::Refunded
        )
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Payment::Declined => "declined",
            Payment::Authorized => "authorized",
            Payment::CaptureDue => "capture_due",
            Payment::Captured => "captured",
            Payment::VoidDue => "void_due",
            Payment::Voided => "voided",
            Payment::RefundDue => "refund_due",
            Payment::Refunded => "refunded",
            Payment::Refused => "refused",
        }
    }

    pub fn from_name(name: &str) -> Option<Payment> {
        Payment::ALL
            .into_iter()
            .find(|payment| payment.as_str() == name)
    }

    fn illegal(self, to: &'static str) -> IllegalMove {
        IllegalMove {
            machine: "payment",
            from: self.as_str(),
            to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Payment::*;
    use super::*;

    #[test]
    fn money_moves_one_way() {
        let capture = |from: Payment, to: Option<Payment>| {
            assert_eq!(from.capture().ok(), to, "capture of {from:?}");
        };
        capture(Authorized, Some(CaptureDue));
        capture(CaptureDue, Some(CaptureDue));
        capture(Captured, Some(Captured));
        for ended in [Declined, VoidDue, Voided, RefundDue, Refunded, Refused] {
            capture(ended, None);
        }

        let give_back = |from: Payment, to: Option<Payment>| {
            assert_eq!(from.give_back().ok(), to, "giving back of {from:?}");
        };
        give_back(Authorized, Some(VoidDue));
        give_back(Captured, Some(RefundDue));
        give_back(CaptureDue, None);
        give_back(Refused, None);
        for ended in [Declined, Voided, Refunded] {
            give_back(ended, Some(ended));
        }
    }

    #[test]
    fn a_decision_stays_the_same_until_the_order_is_cancelled() {
        for kept in [Authorized, CaptureDue, Captured] {
            assert_eq!(kept.decision(), Some(Fact::PaymentAuthorized));
        }
        assert_eq!(Declined.decision(), Some(Fact::PaymentDeclined));
        for cancelled in [VoidDue, Voided, RefundDue, Refunded, Refused] {
            assert_eq!(cancelled.decision(), None);
        }
    }

    #[test]
    fn what_is_due_is_done_once() {
        for payment in Payment::ALL {
            assert_eq!(payment.done().done(), payment.done());
            assert_eq!(Payment::from_name(payment.as_str()), Some(payment));
        }
        assert_eq!(CaptureDue.done(), Captured);
        assert_eq!(VoidDue.done(), Voided);
        assert_eq!(RefundDue.done(), Refunded);
        assert!(!Voided.holds_money() && VoidDue.holds_money());
    }

    #[test]
    fn only_what_is_due_can_be_refused() {
        for payment in Payment::ALL {
            let due = payment.done() != payment;
            let expected = if due { Refused } else { payment };
            assert_eq!(payment.refused(), expected);
        }
        assert!(Refused.holds_money(), "where it is, is not known");
    }
}

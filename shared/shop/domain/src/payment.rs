//! A payment and its state machine.

use serde::{Deserialize, Serialize};

use crate::{Fact, IllegalMove};

/// The state of one order's money.
///
/// A `…Due` state is saved before the provider is called. If the process dies in between, the row
/// shows which call must still be made.
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
    /// The provider has refused the due call for good. A person must find out where the money is.
    Refused,
}

impl Payment {
    /// Every state.
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

    /// Marks the money as due to be captured, because the order was dispatched.
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

    /// Marks the money as due to go back, because the order was cancelled: an authorization is
    /// voided, a captured payment refunded.
    pub fn void_or_refund(self) -> Result<Payment, IllegalMove> {
        match self {
            Payment::Authorized | Payment::VoidDue => Ok(Payment::VoidDue),
            Payment::Captured | Payment::RefundDue => Ok(Payment::RefundDue),
            Payment::Declined | Payment::Voided | Payment::Refunded => Ok(self),
            // A capture that is still due may have reached the provider already: wait for its end.
            Payment::CaptureDue | Payment::Refused => Err(self.illegal("voided or refunded")),
        }
    }

    /// The state after the provider has done what is due.
    pub fn done(self) -> Payment {
        match self {
            Payment::CaptureDue => Payment::Captured,
            Payment::VoidDue => Payment::Voided,
            Payment::RefundDue => Payment::Refunded,
            nothing_due => nothing_due,
        }
    }

    /// The fact about the decision: `PaymentAuthorized` or `PaymentDeclined`. `None` if the order
    /// was cancelled: nothing may be reserved for it any more.
    pub fn fact(self) -> Option<Fact> {
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

    /// The state after the provider has refused for good what is due.
    pub fn refused(self) -> Payment {
        match self {
            Payment::CaptureDue | Payment::VoidDue | Payment::RefundDue => Payment::Refused,
            nothing_due => nothing_due,
        }
    }

    /// Whether the customer's money is authorized or captured, or may be.
    pub fn holds_money(self) -> bool {
        !matches!(
            self,
            Payment::Declined | Payment::Voided | Payment::Refunded
        )
    }

    /// The name in databases.
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

    /// The state with this name. `None` if no state has it.
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

        let void_or_refund = |from: Payment, to: Option<Payment>| {
            assert_eq!(from.void_or_refund().ok(), to, "void or refund of {from:?}");
        };
        void_or_refund(Authorized, Some(VoidDue));
        void_or_refund(Captured, Some(RefundDue));
        void_or_refund(CaptureDue, None);
        void_or_refund(Refused, None);
        for ended in [Declined, Voided, Refunded] {
            void_or_refund(ended, Some(ended));
        }
    }

    #[test]
    fn a_payment_has_the_same_fact_until_the_order_is_cancelled() {
        for kept in [Authorized, CaptureDue, Captured] {
            assert_eq!(kept.fact(), Some(Fact::PaymentAuthorized));
        }
        assert_eq!(Declined.fact(), Some(Fact::PaymentDeclined));
        for cancelled in [VoidDue, Voided, RefundDue, Refunded, Refused] {
            assert_eq!(cancelled.fact(), None);
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
        assert!(Refused.holds_money(), "the shop may still hold it");
    }
}

//! The status of an order, computed from its facts.

use serde::{Deserialize, Serialize};

use crate::{Fact, Facts, Refusal};

/// The status of an order. Every status but `Placed` is *settled*: the customer has an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Placed,
    Confirmed,
    Dispatched,
    Cancelled,
}

/// The customer's request to cancel, and its result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancellation {
    None,
    Requested,
    Refused,
    Done,
}

impl Status {
    /// Folds the facts into a status. Events may arrive late, twice and in any order: the set of
    /// facts is the same, and so is the status. Shipping alone decides between dispatch and cancel,
    /// so `Dispatched` and `ShipmentCancelled` are never in one set.
    pub fn of(facts: Facts) -> Status {
        if facts.has(Fact::Dispatched) {
            Status::Dispatched
        } else if Status::refusal(facts).is_some() || facts.has(Fact::ShipmentCancelled) {
            Status::Cancelled
        } else if facts.has(Fact::ShipmentScheduled) {
            Status::Confirmed
        } else {
            Status::Placed
        }
    }

    /// Why the shop ended the order. `None` if it did not, or if the customer did.
    pub fn refusal(facts: Facts) -> Option<Refusal> {
        if facts.has(Fact::PaymentDeclined) {
            Some(Refusal::PaymentDeclined)
        } else if facts.has(Fact::StockRejected) {
            Some(Refusal::OutOfStock)
        } else {
            None
        }
    }

    /// Whether the customer has an answer.
    pub fn is_settled(self) -> bool {
        self != Status::Placed
    }

    /// The name in HTTP bodies.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Placed => "placed",
            Status::Confirmed => "confirmed",
            Status::Dispatched => "dispatched",
            Status::Cancelled => "cancelled",
        }
    }
}

impl Cancellation {
    /// Folds the facts into the state of the request to cancel.
    pub fn of(facts: Facts) -> Cancellation {
        if facts.has(Fact::ShipmentCancelled) {
            Cancellation::Done
        } else if facts.has(Fact::CancelRefused) {
            Cancellation::Refused
        } else if facts.has(Fact::CancelRequested) {
            Cancellation::Requested
        } else {
            Cancellation::None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_status_is_computed_from_the_facts() {
        use Fact::*;
        let check = |facts: &[Fact], expected| {
            assert_eq!(
                Status::of(facts.iter().copied().collect()),
                expected,
                "{facts:?}"
            );
        };

        check(&[OrderPlaced], Status::Placed);
        check(&[OrderPlaced, PaymentAuthorized], Status::Placed);
        check(&[OrderPlaced, PaymentDeclined], Status::Cancelled);
        check(
            &[OrderPlaced, PaymentAuthorized, StockRejected],
            Status::Cancelled,
        );
        check(
            &[OrderPlaced, PaymentAuthorized, StockReserved],
            Status::Placed,
        );
        check(
            &[ShipmentScheduled, StockReserved, OrderPlaced],
            Status::Confirmed,
        );
        check(&[ShipmentScheduled, CancelRequested], Status::Confirmed);
        check(
            &[ShipmentScheduled, CancelRequested, ShipmentCancelled],
            Status::Cancelled,
        );
        check(
            &[ShipmentScheduled, Dispatched, CancelRefused],
            Status::Dispatched,
        );
    }

    #[test]
    fn a_cancellation_ends_refused_or_done() {
        use Fact::*;
        let check = |facts: &[Fact], expected| {
            assert_eq!(
                Cancellation::of(facts.iter().copied().collect()),
                expected,
                "{facts:?}"
            );
        };

        check(&[OrderPlaced], Cancellation::None);
        check(&[OrderPlaced, CancelRequested], Cancellation::Requested);
        check(
            &[Dispatched, CancelRefused, CancelRequested],
            Cancellation::Refused,
        );
        check(&[ShipmentCancelled, CancelRequested], Cancellation::Done);
    }

    /// The stories that can really happen to one order, each as the facts it ends with.
    fn stories() -> impl Strategy<Value = Vec<Fact>> {
        use Fact::*;
        let happy = vec![
            OrderPlaced,
            PaymentAuthorized,
            StockReserved,
            ShipmentScheduled,
        ];
        let with = move |more: &[Fact]| [happy.clone(), more.to_vec()].concat();
        prop_oneof![
            Just(vec![OrderPlaced, PaymentDeclined]),
            Just(vec![OrderPlaced, PaymentAuthorized, StockRejected]),
            Just(vec![OrderPlaced, CancelRequested, ShipmentCancelled]),
            Just(with(&[])),
            Just(with(&[Dispatched])),
            Just(with(&[CancelRequested, ShipmentCancelled])),
            Just(with(&[Dispatched, CancelRequested, CancelRefused])),
        ]
    }

    proptest! {
        #[test]
        fn order_and_repetition_of_facts_do_not_matter(
            (sent, received) in stories().prop_flat_map(|sent| {
                let twice = [sent.clone(), sent.clone()].concat();
                (Just(sent), Just(twice).prop_shuffle())
            })
        ) {
            let sent: Facts = sent.into_iter().collect();
            let received: Facts = received.into_iter().collect();
            prop_assert_eq!(Status::of(sent), Status::of(received));
            prop_assert_eq!(Cancellation::of(sent), Cancellation::of(received));
        }

        #[test]
        fn a_settled_order_is_never_unsettled_by_another_fact(
            facts in prop::collection::vec(prop::sample::select(&Fact::ALL[..]), 0..20),
            another in prop::sample::select(&Fact::ALL[..]),
        ) {
            let facts: Facts = facts.into_iter().collect();
            if Status::of(facts).is_settled() {
                prop_assert!(Status::of(facts.with(another)).is_settled());
            }
        }
    }
}

//! Cancelling an order, in time and too late.

use contracts::http::OrderBody;
use domain::{Cancellation, Fact, Status};
use futures::{StreamExt, stream};

use crate::customer::{Customer, order_of};
use crate::shops::shops;

/// Polls the order until its cancellation is decided.
async fn decided(customer: &Customer, order: &OrderBody) -> OrderBody {
    let decided = |order: &OrderBody| {
        matches!(
            order.cancellation,
            Cancellation::Done | Cancellation::Refused
        )
    };
    customer.follow(order.id, "decided", decided).await
}

#[tokio::test]
async fn an_order_can_be_cancelled_within_its_window() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let placed = customer.place(&order_of(&[shop.product().await])).await;
        customer.settled(placed.id).await;

        let answered = customer.cancel(placed.id).await.order(202);
        assert_eq!(answered.id, placed.id);
        let cancelled = decided(&customer, &placed).await;
        assert_eq!(cancelled.cancellation, Cancellation::Done);
        assert_eq!(
            (cancelled.status, cancelled.refusal),
            (Status::Cancelled, None)
        );

        let history = customer.history(placed.id).await;
        let ends = [Fact::CancelRequested, Fact::ShipmentCancelled];
        assert!(history.ends_with(&ends), "{history:?}");

        // A second request changes nothing.
        customer.cancel(placed.id).await.order(202);
        assert_eq!(customer.order(placed.id).await, cancelled);
    }
}

#[tokio::test]
async fn an_order_can_be_cancelled_before_any_fact_has_arrived() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let placed = customer.place(&order_of(&[shop.product().await])).await;
        customer.cancel(placed.id).await.order(202);
        let cancelled = decided(&customer, &placed).await;
        assert_eq!(cancelled.status, Status::Cancelled);
    }
}

#[tokio::test]
async fn a_dispatched_order_cannot_be_cancelled() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let placed = customer.place(&order_of(&[shop.product().await])).await;
        customer.dispatched(placed.id).await;

        let problem = customer.cancel(placed.id).await.problem(409);
        assert_eq!(problem.kind, "urn:twofold:too-late-to-cancel");
        let order = customer.order(placed.id).await;
        assert_eq!(order.status, Status::Dispatched);
    }
}

/// Places orders one after another until the first is dispatched. Then it cancels all of them in
/// the same sequence: some too late, some in time, and those between race with their dispatch.
#[tokio::test]
async fn a_race_between_cancel_and_dispatch_has_one_winner() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let order = order_of(&[shop.product().await]);
        let mut placed = vec![customer.place(&order).await];
        while customer.order(placed[0].id).await.status != Status::Dispatched {
            placed.push(customer.place(&order).await);
        }

        // A few at a time: the shop may refuse what exceeds its connections.
        let cancel = async |order: &OrderBody| {
            let answer = customer.cancel(order.id).await;
            match answer.status {
                202 => drop(answer.order(202)),
                _ => drop(answer.problem(409)),
            }
        };
        stream::iter(&placed).for_each_concurrent(8, cancel).await;

        for order in placed {
            let is_final = |order: &OrderBody| match order.cancellation {
                Cancellation::Done => order.status == Status::Cancelled,
                Cancellation::Refused => order.status == Status::Dispatched,
                // Too late already when the request arrived, so it was not passed on.
                Cancellation::None => order.status == Status::Dispatched,
                Cancellation::Requested => false,
            };
            customer
                .follow(order.id, "either cancelled or dispatched", is_final)
                .await;
        }
    }
}

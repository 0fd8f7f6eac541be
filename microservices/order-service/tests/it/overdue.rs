//! Orders that receive no answer.

use std::time::Duration;

use contracts::ExpireOrder;
use contracts::topology::{PAYMENT, SHIPPING};
use domain::{Fact, OrderId, Status};
use order_service::expire_orders::ExpireOrders;
use order_service::overdue::Ages;
use sandbox::testing::until_eq;

use crate::fixture::Fixture;

/// So long that nothing in these tests is that old.
const LONG_MS: u64 = 1_000_000;

const NEVER: Ages = Ages {
    order_unsettled_ms: LONG_MS,
    cancel_unanswered_ms: LONG_MS,
    order_undispatched_ms: LONG_MS,
};

impl Fixture {
    /// As if the only order had been placed an hour ago. A row that its service is just inserting
    /// would be missed, so this waits for it first.
    async fn an_hour_passes(&mut self) {
        let overdue = "select count(*) from overdue_orders";
        until_eq("overdue orders", async || self.count(overdue).await, 1).await;
        let sql = "update orders set placed_at = placed_at - interval '1 hour'";
        sqlx::query(sql).execute(self.db()).await.unwrap();
        let sql = "update overdue_orders set look_at = look_at - interval '1 hour'";
        sqlx::query(sql).execute(self.db()).await.unwrap();
    }

    async fn until_published(&self, queue: &str, fact: &str, times: usize) {
        shop_testing::until_published(&self.queues, queue, &[fact], times).await;
    }

    async fn until_none_is_overdue(&mut self) {
        let count = "select count(*) from overdue_orders";
        until_eq("overdue orders", async || self.count(count).await, 0).await;
    }
}

#[tokio::test]
async fn an_unsettled_order_is_published_again_until_it_settles() {
    let ages = Ages {
        order_unsettled_ms: 40,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;

    orders.until_published(PAYMENT, "order_placed", 3).await;

    let settling = [Fact::ShipmentScheduled, Fact::Dispatched];
    orders.receive(&placed, &settling).await;
    orders.until_none_is_overdue().await;
    assert_eq!(orders.queues.depth(SHIPPING), 0, "no request to cancel");
}

#[tokio::test]
async fn an_order_whose_expiry_was_lost_requests_its_cancellation() {
    let ages = Ages {
        order_unsettled_ms: 40,
        cancel_unanswered_ms: 40,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;
    orders.an_hour_passes().await;

    orders
        .until_published(SHIPPING, "cancel_requested", 2)
        .await;

    orders.receive(&placed, &[Fact::ShipmentCancelled]).await;
    assert_eq!(orders.status(&placed).await, Status::Cancelled);
    orders.until_none_is_overdue().await;
}

#[tokio::test]
async fn a_request_to_cancel_without_an_answer_is_published_again() {
    let ages = Ages {
        cancel_unanswered_ms: 40,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;
    orders.receive(&placed, &[Fact::ShipmentScheduled]).await;

    orders.cancel(&placed).await;
    orders
        .until_published(SHIPPING, "cancel_requested", 3)
        .await;

    let refused = [Fact::Dispatched, Fact::CancelRefused];
    orders.receive(&placed, &refused).await;
    orders.until_none_is_overdue().await;
    assert_eq!(
        orders.queues.depth(PAYMENT),
        1,
        "the order is not published again"
    );
}

#[tokio::test]
async fn an_expired_order_without_an_answer_requests_its_cancellation_again() {
    let ages = Ages {
        cancel_unanswered_ms: 40,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;

    let expired = ExpireOrder {
        order: OrderId(placed.id),
        after: Duration::ZERO,
    };
    let expire = ExpireOrders {
        answer_within: Duration::from_millis(40),
    };
    orders.handle(&expire, vec![expired]).await;
    orders
        .until_published(SHIPPING, "cancel_requested", 3)
        .await;

    orders.receive(&placed, &[Fact::ShipmentCancelled]).await;
    orders.until_none_is_overdue().await;
}

#[tokio::test]
async fn a_confirmed_order_that_is_never_dispatched_is_published_again_after_the_longest_window() {
    let ages = Ages {
        order_unsettled_ms: 40,
        order_undispatched_ms: 1_200_000,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;
    orders.receive(&placed, &[Fact::ShipmentScheduled]).await;
    let before = orders.queues.depth(PAYMENT);

    orders.an_hour_passes().await;
    orders
        .until_published(PAYMENT, "order_placed", before + 2)
        .await;

    orders.receive(&placed, &[Fact::Dispatched]).await;
    orders.until_none_is_overdue().await;
}

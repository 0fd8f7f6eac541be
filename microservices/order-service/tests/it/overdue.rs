//! Orders that no answer comes to.

use std::time::Duration;

use contracts::topology::{PAYMENT, SHIPPING};
use domain::{Fact, Status};
use order_service::overdue::Ages;

use crate::Fixture;

/// So long that nothing in these tests is that old.
const LONG_MS: u64 = 1_000_000;

const NEVER: Ages = Ages {
    order_unsettled_ms: LONG_MS,
    cancel_unanswered_ms: LONG_MS,
    order_undispatched_ms: LONG_MS,
};

impl Fixture {
    /// As if every order had been placed an hour ago.
    async fn an_hour_passes(&mut self) {
        let sql = "update orders set placed_at = placed_at - interval '1 hour'";
        sqlx::query(sql).execute(&mut self.db).await.unwrap();
        let sql = "update overdue_orders set look_at = look_at - interval '1 hour'";
        sqlx::query(sql).execute(&mut self.db).await.unwrap();
    }

    /// Waits until so many messages were sent there or more.
    async fn heard(&self, queue: &str, fact: &str, times: usize) {
        let count = || {
            let bodies = self.queues.peek(queue);
            bodies.iter().filter(|body| body.contains(fact)).count()
        };
        let heard = async {
            while count() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(20), heard).await;
        assert!(heard.is_ok(), "{queue} heard of {fact} {} times", count());
    }

    async fn nothing_is_overdue(&mut self) {
        let count = "select count(*) from overdue_orders";
        let empty = async {
            while sqlx::query_scalar::<_, i64>(count)
                .fetch_one(&mut self.db)
                .await
                .unwrap()
                > 0
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let empty = tokio::time::timeout(Duration::from_secs(20), empty).await;
        assert!(empty.is_ok(), "orders are still overdue");
    }
}

#[tokio::test]
async fn an_unsettled_order_is_told_of_again_until_it_settles() {
    let ages = Ages {
        order_unsettled_ms: 40,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;

    orders.heard(PAYMENT, "order_placed", 3).await;

    let settling = [Fact::ShipmentScheduled, Fact::Dispatched];
    orders.hear(&placed, &settling).await;
    orders.nothing_is_overdue().await;
    assert_eq!(orders.queues.depth(SHIPPING), 0, "nobody asked to cancel");
}

#[tokio::test]
async fn an_order_whose_expiry_was_lost_asks_to_be_cancelled() {
    let ages = Ages {
        order_unsettled_ms: 40,
        cancel_unanswered_ms: 40,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;
    orders.an_hour_passes().await;

    orders.heard(SHIPPING, "cancel_requested", 2).await;

    orders.hear(&placed, &[Fact::ShipmentCancelled]).await;
    assert_eq!(orders.status(&placed).await, Status::Cancelled);
    orders.nothing_is_overdue().await;
}

#[tokio::test]
async fn a_wish_to_cancel_without_an_answer_is_told_again() {
    let ages = Ages {
        cancel_unanswered_ms: 40,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;
    orders.hear(&placed, &[Fact::ShipmentScheduled]).await;

    orders.cancel(&placed).await;
    orders.heard(SHIPPING, "cancel_requested", 3).await;

    let refused = [Fact::Dispatched, Fact::CancelRefused];
    orders.hear(&placed, &refused).await;
    orders.nothing_is_overdue().await;
    assert_eq!(
        orders.queues.depth(PAYMENT),
        1,
        "the order is not told again"
    );
}

#[tokio::test]
async fn a_confirmed_order_that_is_never_dispatched_is_told_of_again_after_the_longest_window() {
    let ages = Ages {
        order_unsettled_ms: 40,
        order_undispatched_ms: 1_200_000,
        ..NEVER
    };
    let mut orders = Fixture::open_with(ages).await;
    let placed = orders.place().await;
    orders.hear(&placed, &[Fact::ShipmentScheduled]).await;
    let before = orders.queues.depth(PAYMENT);

    orders.an_hour_passes().await;
    orders.heard(PAYMENT, "order_placed", before + 2).await;

    orders.hear(&placed, &[Fact::Dispatched]).await;
    orders.nothing_is_overdue().await;
}

//! Dispatches whose message was lost, and cancellations, which no other service confirms.

use std::time::Duration;

use chassis::Running;
use chassis::config::{Database, Serving};
use contracts::topology::{INVENTORY, ORDER, PAYMENT};
use domain::{Order, Shipment};
use messaging::Local;
use sandbox::postgres::Lease;
use sandbox::testing;
use shipping_service::{Settings, overdue, start};
use shop_testing::{in_process, order, until_published};
use sqlx::PgConnection;
use store::shipping;
use tokio_util::sync::CancellationToken;

/// The process, in which everything is overdue soon.
struct Process {
    _service: Running,
    queues: Local,
    db: PgConnection,
    _database: Lease,
}

impl Process {
    async fn start() -> Process {
        let (database, queues) = (testing::database("shipping").await, Local::new());
        let settings = Settings {
            serving: Serving::on_free_port(),
            database: Database::new(&database.url),
            queues: in_process(&queues),
            cancellation_window_ms: 900_000,
            overdue: overdue::Ages {
                dispatch_late_ms: 20,
                cancelled_again_ms: 20,
            },
        };
        let serving = settings.serving.clone();
        let start = |context| start(settings, context);
        let stop = CancellationToken::new();
        let service = chassis::launch("shipping-service", serving, stop, start);
        Process {
            _service: service.await.unwrap(),
            queues,
            db: database.connect().await.unwrap(),
            _database: database,
        }
    }

    /// A row as a handler has left it whose messages are lost.
    async fn insert(&mut self, order: &Order, shipment: Shipment, window: Duration) {
        let inserted =
            shipping::insert_missing_and_lock(&mut self.db, [(order, shipment)], window).await;
        inserted.unwrap();
    }

    async fn until_published(&self, queue: &str, fact: &str, order: &Order, times: usize) {
        let id = order.id.to_string();
        until_published(&self.queues, queue, &[fact, &id], times).await;
    }
}

#[tokio::test]
async fn a_shipment_whose_message_was_lost_is_dispatched_after_its_window() {
    let mut shipping = Process::start().await;
    let (due, open) = (order("product-00000", 1), order("product-00000", 1));
    let (hour, scheduled) = (Duration::from_secs(3_600), Shipment::Scheduled);
    shipping.insert(&open, scheduled, hour).await;
    shipping.insert(&due, scheduled, Duration::ZERO).await;

    shipping
        .until_published(PAYMENT, "dispatched", &due, 1)
        .await;
    let shipments = shipping::lock(&mut shipping.db, [due.id, open.id]).await;
    let shipments = shipments.unwrap();
    assert_eq!(shipments[&due.id], Shipment::Dispatched);
    assert_eq!(shipments[&open.id], Shipment::Scheduled);
}

#[tokio::test]
async fn a_cancellation_is_published_three_times_more_to_every_service_that_undoes_something() {
    let mut shipping = Process::start().await;
    let order = order("product-00000", 1);
    shipping
        .insert(&order, Shipment::Cancelled, Duration::ZERO)
        .await;

    // No service reads these queues here.
    for queue in [PAYMENT, INVENTORY, ORDER] {
        let cancelled = "shipment_cancelled";
        shipping.until_published(queue, cancelled, &order, 3).await;
    }
    let left = "select count(*) from shipments where placed_order is not null";
    let left = testing::count(&mut shipping.db, left).await;
    assert_eq!(left, 0, "no cancellation is left to publish");
}

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
use sqlx::{Connection, PgConnection};
use store::shipping;
use tokio_util::sync::CancellationToken;

use crate::order;

struct Fixture {
    _service: Running,
    queues: Local,
    db: PgConnection,
    _database: Lease,
}

impl Fixture {
    async fn open() -> Fixture {
        let database = testing::database("shipping").await;
        let queues = Local::new();
        let settings = Settings {
            serving: Serving::on_free_port(),
            database: Database::new(&database.url),
            queues: messaging::Settings {
                transport: Some(queues.clone().into()),
                ..messaging::Settings::default()
            },
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
        Fixture {
            _service: service.await.unwrap(),
            queues,
            db: PgConnection::connect(&database.url).await.unwrap(),
            _database: database,
        }
    }

    /// A row as a handler has left it whose messages are lost.
    async fn insert(&mut self, order: &Order, shipment: Shipment, window: Duration) {
        shipping::insert_missing_and_lock(&mut self.db, [(order, shipment)], window)
            .await
            .unwrap();
    }

    async fn told(&self, queue: &str, fact: &str, order: &Order, times: usize) {
        let id = order.id.to_string();
        let count = || {
            let bodies = self.queues.peek(queue);
            let about = |body: &&String| body.contains(fact) && body.contains(&id);
            bodies.iter().filter(about).count()
        };
        let told = async {
            while count() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(20), told).await;
        assert!(told.is_ok(), "{queue} heard of {fact} {} times", count());
    }
}

#[tokio::test]
async fn a_shipment_whose_message_was_lost_is_dispatched_after_its_window() {
    let mut shipping = Fixture::open().await;
    let (due, open) = (order(), order());
    let (hour, scheduled) = (Duration::from_secs(3_600), Shipment::Scheduled);
    shipping.insert(&open, scheduled, hour).await;
    shipping.insert(&due, scheduled, Duration::ZERO).await;

    shipping.told(PAYMENT, "dispatched", &due, 1).await;
    let shipments = shipping::lock(&mut shipping.db, [due.id, open.id]).await;
    let shipments = shipments.unwrap();
    assert_eq!(shipments[&due.id], Shipment::Dispatched);
    assert_eq!(shipments[&open.id], Shipment::Scheduled);
}

#[tokio::test]
async fn a_cancellation_is_told_three_times_more_to_everybody_who_gives_something_back() {
    let mut shipping = Fixture::open().await;
    let order = order();
    shipping
        .insert(&order, Shipment::Cancelled, Duration::ZERO)
        .await;

    // Nobody reads these queues here.
    for queue in [PAYMENT, INVENTORY, ORDER] {
        let cancelled = "shipment_cancelled";
        shipping.told(queue, cancelled, &order, 3).await;
    }
    let left = "select count(*) from shipments where placed_order is not null";
    let left: i64 = sqlx::query_scalar(left)
        .fetch_one(&mut shipping.db)
        .await
        .unwrap();
    assert_eq!(left, 0, "nothing is left to be told");
}

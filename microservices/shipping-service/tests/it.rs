//! Shipping's handling of each event, on a real Postgres.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "it/overdue.rs"]
mod overdue;

use std::time::Duration;

use contracts::Event;
use domain::{CustomerId, Fact, Line, Lines, Order, PaymentMethod, Quantity, Shipment};
use messaging::{BatchHandler, Fault, Outbox, handle_batch};
use sandbox::postgres::Lease;
use sandbox::testing;
use shipping_service::Dispatch;
use shipping_service::handlers::Shipping;
use sqlx::{Connection, PgConnection};
use store::{States, seed, shipping};

const SHIPPING: Shipping = Shipping {
    cancellation_window: Duration::from_secs(60),
};

struct Fixture {
    db: PgConnection,
    outbox: Outbox,
    _database: Lease,
}

impl Fixture {
    async fn open() -> Fixture {
        let database = testing::database("shipping").await;
        let mut db = PgConnection::connect(&database.url).await.unwrap();
        store::Context::Shipping
            .migrations()
            .run(&mut db)
            .await
            .unwrap();
        messaging::migrations().run(&mut db).await.unwrap();
        Fixture {
            outbox: Outbox::new(&database.pool().await.unwrap()),
            db,
            _database: database,
        }
    }

    async fn hear(&mut self, fact: Fact, order: &Order) -> Result<(), Fault> {
        let event = Event::new(fact, order.clone());
        let mut tx = self.outbox.begin().await?;
        match fact {
            // It comes back by a queue of its own, when the window has ended.
            Fact::ShipmentScheduled => handle_batch(&Dispatch, &mut tx, vec![event]).await?,
            _ => handle_batch(&SHIPPING, &mut tx, vec![event]).await?,
        }
        tx.commit().await?;
        Ok(())
    }

    async fn shipment(&mut self, order: &Order) -> Option<Shipment> {
        let shipments = shipping::lock(&mut self.db, [order.id]).await;
        shipments.unwrap().remove(&order.id)
    }

    /// The facts that were told, without their queues.
    async fn told(&mut self) -> Vec<String> {
        let sql = "select body::jsonb ->> 'fact' as fact from outbox
                   group by fact, message_id order by min(position)";
        let facts: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&mut self.db)
            .await
            .unwrap();
        let mut facts = facts;
        facts.dedup();
        facts
    }
}

fn order() -> Order {
    let product = seed::products(1).remove(0);
    let line = Line {
        sku: product.sku,
        quantity: Quantity::new(1).unwrap(),
        unit_price: product.unit_price,
    };
    let method = PaymentMethod::parse("tok_ok").unwrap();
    Order::place(CustomerId::new(), Lines::new(vec![line]).unwrap(), method).unwrap()
}

/// Decisions need no database: the shipment's state alone says who wins.
#[test]
fn a_cancellation_and_a_dispatch_have_one_winner() {
    let order = order();
    let event = |fact| Event::new(fact, order.clone());
    let decide = |dispatch_first: bool| {
        let mut shipments: States<Shipment> =
            [(order.id, Shipment::Scheduled)].into_iter().collect();
        let mut facts = vec![];
        for dispatches in [dispatch_first, !dispatch_first] {
            let decided = if dispatches {
                Dispatch.decide(&mut shipments, event(Fact::ShipmentScheduled))
            } else {
                SHIPPING.decide(&mut shipments, event(Fact::CancelRequested))
            };
            facts.extend(decided.unwrap().map(|event| event.fact));
        }
        facts
    };

    assert_eq!(decide(true), [Fact::Dispatched, Fact::CancelRefused]);
    assert_eq!(decide(false), [Fact::ShipmentCancelled]);
}

#[tokio::test]
async fn a_reserved_order_is_scheduled_and_then_dispatched_once() {
    let mut shipping = Fixture::open().await;
    let order = order();

    shipping.hear(Fact::StockReserved, &order).await.unwrap();
    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Scheduled));

    shipping
        .hear(Fact::ShipmentScheduled, &order)
        .await
        .unwrap();
    shipping
        .hear(Fact::ShipmentScheduled, &order)
        .await
        .unwrap();
    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Dispatched));
    assert_eq!(shipping.told().await, ["shipment_scheduled", "dispatched"]);
}

#[tokio::test]
async fn a_cancellation_within_the_window_keeps_the_parcel_here() {
    let mut shipping = Fixture::open().await;
    let order = order();
    shipping.hear(Fact::StockReserved, &order).await.unwrap();

    shipping.hear(Fact::CancelRequested, &order).await.unwrap();
    shipping
        .hear(Fact::ShipmentScheduled, &order)
        .await
        .unwrap();

    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Cancelled));
    assert_eq!(
        shipping.told().await,
        ["shipment_scheduled", "shipment_cancelled"]
    );
}

#[tokio::test]
async fn a_cancellation_after_the_dispatch_is_refused() {
    let mut shipping = Fixture::open().await;
    let order = order();
    shipping.hear(Fact::StockReserved, &order).await.unwrap();
    shipping
        .hear(Fact::ShipmentScheduled, &order)
        .await
        .unwrap();

    shipping.hear(Fact::CancelRequested, &order).await.unwrap();

    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Dispatched));
    let expected = ["shipment_scheduled", "dispatched", "cancel_refused"];
    assert_eq!(shipping.told().await, expected);
}

#[tokio::test]
async fn an_order_that_was_cancelled_first_is_never_shipped() {
    let mut shipping = Fixture::open().await;
    let order = order();

    shipping.hear(Fact::CancelRequested, &order).await.unwrap();
    shipping.hear(Fact::StockReserved, &order).await.unwrap();

    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Cancelled));
    assert_eq!(shipping.told().await, ["shipment_cancelled"]);
}

#[tokio::test]
async fn a_reservation_that_comes_again_is_answered_with_what_was_decided() {
    let check = async |then: Option<Fact>, expected: &str| {
        let mut shipping = Fixture::open().await;
        let order = order();
        shipping.hear(Fact::StockReserved, &order).await.unwrap();
        if let Some(then) = then {
            shipping.hear(then, &order).await.unwrap();
        }
        let unsent = "delete from outbox";
        sqlx::query(unsent).execute(&mut shipping.db).await.unwrap();

        shipping.hear(Fact::StockReserved, &order).await.unwrap();

        assert_eq!(shipping.told().await, [expected], "after {then:?}");
    };

    check(None, "shipment_scheduled").await;
    check(Some(Fact::ShipmentScheduled), "dispatched").await;
    check(Some(Fact::CancelRequested), "shipment_cancelled").await;
}

#[tokio::test]
async fn cancellations_that_come_together_lock_their_shipments_as_a_dispatch_does() {
    let mut shipping = Fixture::open().await;
    let (lower, higher) = (order(), order());
    assert!(lower.id < higher.id);
    for order in [&lower, &higher] {
        shipping.hear(Fact::StockReserved, order).await.unwrap();
    }
    // A dispatch that has begun with the lower one.
    let mut other = PgConnection::connect(&shipping._database.url)
        .await
        .unwrap();
    let mut dispatching = other.begin().await.unwrap();
    shipping::lock(&mut dispatching, [lower.id]).await.unwrap();

    let cancel = |order: &Order| Event::new(Fact::CancelRequested, order.clone());
    let events = vec![cancel(&higher), cancel(&lower)];
    let mut watch = PgConnection::connect(&shipping._database.url)
        .await
        .unwrap();
    let cancelling = async {
        let mut tx = shipping.outbox.begin().await.unwrap();
        let handled = handle_batch(&SHIPPING, &mut tx, events).await;
        handled.unwrap();
        tx.commit().await.unwrap();
    };
    let dispatch = async {
        let waits = "select exists (select from pg_locks where not granted)";
        let waiting = async {
            while !sqlx::query_scalar::<_, bool>(waits)
                .fetch_one(&mut watch)
                .await
                .unwrap()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .unwrap();
        // Held by the cancellations, this would be a circle.
        shipping::lock(&mut dispatching, [higher.id]).await.unwrap();
        dispatching.commit().await.unwrap();
    };
    tokio::join!(cancelling, dispatch);
}

#[tokio::test]
async fn an_event_that_is_none_of_its_business_is_rejected() {
    let mut shipping = Fixture::open().await;
    let fault = shipping
        .hear(Fact::OrderPlaced, &order())
        .await
        .unwrap_err();
    assert!(
        fault.reason().contains("no use for order_placed"),
        "{fault:?}"
    );
}

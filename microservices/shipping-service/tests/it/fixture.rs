//! Shipping's handlers on a database.

use std::time::Duration;

use contracts::Event;
use domain::{Fact, Order, Shipment};
use messaging::Fault;
use shipping_service::Dispatch;
use shipping_service::handlers::Shipping;
use shop_testing::ServiceDatabase;
use store::{Context, shipping};

pub(crate) const SHIPPING: Shipping = Shipping {
    cancellation_window: Duration::from_secs(60),
};

pub(crate) struct Fixture {
    pub(crate) database: ServiceDatabase,
}

impl Fixture {
    pub(crate) async fn open() -> Fixture {
        Fixture {
            database: ServiceDatabase::open("shipping", Context::Shipping).await,
        }
    }

    pub(crate) async fn receive(&self, fact: Fact, order: &Order) -> Result<(), Fault> {
        let events = vec![Event::new(fact, order.clone())];
        match fact {
            // It comes back by a queue of its own, when the cancellation window has ended.
            Fact::ShipmentScheduled => self.database.handle(&Dispatch, events).await,
            _ => self.database.handle(&SHIPPING, events).await,
        }
    }

    pub(crate) async fn shipment(&mut self, order: &Order) -> Option<Shipment> {
        let shipments = shipping::lock(&mut self.database.connection, [order.id]).await;
        shipments.unwrap().remove(&order.id)
    }

    /// The facts that were published, without their queues.
    pub(crate) async fn published(&mut self) -> Vec<String> {
        let sql = "select body::jsonb ->> 'fact' as fact from outbox
                   group by fact, message_id order by min(position)";
        let facts = sqlx::query_scalar(sql).fetch_all(&mut self.database.connection);
        let mut facts: Vec<String> = facts.await.unwrap();
        facts.dedup();
        facts
    }
}

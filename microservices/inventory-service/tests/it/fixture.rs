//! Inventory's handler on a database.

use contracts::Event;
use domain::{Fact, Order, Sku};
use inventory_service::handlers::Inventory;
use shop_testing::ServiceDatabase;
use store::{Context, inventory};

/// The only product in stock.
pub(crate) const PRODUCT: &str = "product-00000";

pub(crate) struct Fixture(ServiceDatabase);

impl Fixture {
    /// Ten pieces of [`PRODUCT`], and of nothing else.
    pub(crate) async fn open() -> Fixture {
        let database = ServiceDatabase::open("inventory", Context::Inventory).await;
        let mut fixture = Fixture(database);
        fixture.restock(10).await;
        fixture
    }

    pub(crate) async fn restock(&mut self, pieces: i64) {
        let sku = Sku::parse(PRODUCT).unwrap();
        let restocked = inventory::restock(&mut self.0.connection, [(&sku, pieces)]).await;
        restocked.unwrap();
    }

    pub(crate) async fn receive(&self, fact: Fact, order: &Order) {
        let event = Event::new(fact, order.clone());
        self.0.handle(&Inventory, vec![event]).await.unwrap();
    }

    /// How many pieces are available, and how many are reserved.
    pub(crate) async fn level(&mut self) -> (i64, i64) {
        let level = sqlx::query_as("select available, reserved from stock");
        level.fetch_one(&mut self.0.connection).await.unwrap()
    }

    /// The facts that were published, each with its queue.
    pub(crate) async fn published(&mut self) -> Vec<(String, String)> {
        self.0.published().await
    }
}

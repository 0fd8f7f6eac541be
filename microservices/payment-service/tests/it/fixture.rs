//! Payment's handlers on a database, with a provider of their own.

use contracts::Event;
use domain::{Fact, Order, Payment};
use messaging::{Fault, PlainHandler};
use payment_provider as provider;
use payment_service::MoveMoney;
use payment_service::handlers::RecordPayments;
use shop_testing::ServiceDatabase;
use store::{Context, payments};
use storefront::Provider;

pub(crate) struct Fixture {
    database: ServiceDatabase,
    provider: provider::Provider,
    pub(crate) money: MoveMoney,
}

impl Fixture {
    pub(crate) async fn open() -> Fixture {
        let provider = payment_provider::testing::provider().await;
        let money = MoveMoney {
            provider: Provider::new(&provider.url()).unwrap(),
        };
        Fixture {
            database: ServiceDatabase::open("payment", Context::Payments).await,
            provider,
            money,
        }
    }

    /// Makes the provider fail at this share of the requests.
    pub(crate) fn fails(&self, error_rate: f64) {
        self.provider.set_behaviour(provider::Behaviour {
            error_rate,
            ..Default::default()
        });
    }

    pub(crate) async fn receive(&self, fact: Fact, order: &Order) -> Result<(), Fault> {
        let event = Event::new(fact, order.clone());
        let moved = self.money.handle(event).await?;
        self.database.handle(&RecordPayments, vec![moved]).await
    }

    /// The payment as our table has it, and as the provider's ledger has it.
    pub(crate) async fn money(
        &mut self,
        order: &Order,
    ) -> (Option<Payment>, Option<provider::Status>) {
        let ours = payments::lock(&mut self.database.connection, [order.id]).await;
        let ledger = self.provider.ledger();
        let theirs = ledger.iter().find(|entry| entry.order_id == order.id.0);
        (
            ours.unwrap().get(&order.id).copied(),
            theirs.map(|entry| entry.status),
        )
    }

    /// The facts that were published, each with its queue.
    pub(crate) async fn published(&mut self) -> Vec<(String, String)> {
        self.database.published().await
    }
}

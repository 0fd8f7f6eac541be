//! Payment's handling of each event, on a real Postgres and with the sandbox's provider.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "it/overdue.rs"]
mod overdue;

use contracts::Event;
use domain::{CustomerId, Fact, Line, Lines, Order, Payment, PaymentMethod, Quantity};
use messaging::{Fault, Outbox, PlainHandler};
use payment_provider as provider;
use payment_service::MoveMoney;
use payment_service::handlers::RecordPayments;
use sandbox::postgres::Lease;
use sandbox::testing;
use sqlx::{Connection, PgConnection};
use store::{payments, seed};
use storefront::Provider;

struct Fixture {
    db: PgConnection,
    provider: provider::Provider,
    outbox: Outbox,
    money: MoveMoney,
    _database: Lease,
}

impl Fixture {
    async fn open() -> Fixture {
        let database = testing::database("payment").await;
        let provider = payment_provider::testing::provider().await;
        let mut db = PgConnection::connect(&database.url).await.unwrap();
        store::Context::Payments
            .migrations()
            .run(&mut db)
            .await
            .unwrap();
        messaging::migrations().run(&mut db).await.unwrap();
        let money = MoveMoney {
            provider: Provider::new(&provider.url()).unwrap(),
        };
        Fixture {
            db,
            outbox: Outbox::new(&database.pool().await.unwrap()),
            provider,
            money,
            _database: database,
        }
    }

    async fn hear(&mut self, fact: Fact, order: &Order) -> Result<(), Fault> {
        let event = Event::new(fact, order.clone());
        let moved = self.money.handle(event).await?;
        let mut tx = self.outbox.begin().await?;
        messaging::handle_batch(&RecordPayments, &mut tx, vec![moved]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The payment as we have it, and as the provider's books do.
    async fn money(&mut self, order: &Order) -> (Option<Payment>, Option<provider::Status>) {
        let ours = payments::lock(&mut self.db, [order.id]).await.unwrap();
        let books = self.provider.ledger();
        let theirs = books.iter().find(|entry| entry.order_id == order.id.0);
        (
            ours.get(&order.id).copied(),
            theirs.map(|entry| entry.status),
        )
    }

    async fn told(&mut self) -> Vec<(String, String)> {
        let sql = "select body::jsonb ->> 'fact' as fact, queue from outbox order by position";
        sqlx::query_as(sql).fetch_all(&mut self.db).await.unwrap()
    }
}

fn order(payment_method: &str) -> Order {
    let product = seed::products(1).remove(0);
    let line = Line {
        sku: product.sku,
        quantity: Quantity::new(1).unwrap(),
        unit_price: product.unit_price,
    };
    let method = PaymentMethod::parse(payment_method).unwrap();
    Order::place(CustomerId::new(), Lines::new(vec![line]).unwrap(), method).unwrap()
}

fn pair(fact: &str, queue: &str) -> (String, String) {
    (fact.to_owned(), queue.to_owned())
}

#[tokio::test]
async fn a_placed_order_is_authorized_once_and_answered_each_time() {
    let mut payment = Fixture::open().await;
    let order = order("tok_ok");

    payment.hear(Fact::OrderPlaced, &order).await.unwrap();
    payment.hear(Fact::OrderPlaced, &order).await.unwrap();

    let authorized = (
        Some(Payment::Authorized),
        Some(provider::Status::Authorized),
    );
    assert_eq!(payment.money(&order).await, authorized);
    let fact = "payment_authorized";
    let told = [pair(fact, "inventory-events"), pair(fact, "order-events")];
    assert_eq!(payment.told().await, [told.clone(), told].concat());
}

#[tokio::test]
async fn an_order_that_comes_again_is_answered_with_what_was_decided() {
    let check = async |method: &str, then: Option<Fact>, told: &[&str]| {
        let mut payment = Fixture::open().await;
        let order = order(method);
        payment.hear(Fact::OrderPlaced, &order).await.unwrap();
        if let Some(then) = then {
            payment.hear(then, &order).await.unwrap();
        }
        let before = payment.told().await.len();

        payment.hear(Fact::OrderPlaced, &order).await.unwrap();

        let again = payment.told().await.split_off(before);
        let facts: Vec<_> = again.iter().map(|(fact, _)| fact.as_str()).collect();
        assert_eq!(facts, told, "{method}, then {then:?}");
    };

    let authorized = ["payment_authorized", "payment_authorized"];
    check("tok_ok", None, &authorized).await;
    check("tok_ok", Some(Fact::Dispatched), &authorized).await;
    check("tok_declined", None, &["payment_declined"]).await;
    check("tok_ok", Some(Fact::ShipmentCancelled), &[]).await;
    check("tok_ok", Some(Fact::StockRejected), &[]).await;
}

#[tokio::test]
async fn a_declined_payment_is_told_to_orders_alone() {
    let mut payment = Fixture::open().await;
    let order = order("tok_declined");

    payment.hear(Fact::OrderPlaced, &order).await.unwrap();

    let declined = (Some(Payment::Declined), Some(provider::Status::Declined));
    assert_eq!(payment.money(&order).await, declined);
    assert_eq!(
        payment.told().await,
        [pair("payment_declined", "order-events")]
    );
}

#[tokio::test]
async fn a_dispatched_order_is_captured() {
    let mut payment = Fixture::open().await;
    let order = order("tok_ok");
    payment.hear(Fact::OrderPlaced, &order).await.unwrap();

    payment.hear(Fact::Dispatched, &order).await.unwrap();
    payment.hear(Fact::Dispatched, &order).await.unwrap();

    let captured = (Some(Payment::Captured), Some(provider::Status::Captured));
    assert_eq!(payment.money(&order).await, captured);
}

#[tokio::test]
async fn what_cannot_be_had_is_given_back() {
    for end in [Fact::StockRejected, Fact::ShipmentCancelled] {
        let mut payment = Fixture::open().await;
        let order = order("tok_ok");
        payment.hear(Fact::OrderPlaced, &order).await.unwrap();

        payment.hear(end, &order).await.unwrap();
        payment.hear(end, &order).await.unwrap();

        let voided = (Some(Payment::Voided), Some(provider::Status::Voided));
        assert_eq!(payment.money(&order).await, voided, "{end}");
    }
}

#[tokio::test]
async fn an_order_that_was_cancelled_first_is_never_charged() {
    let mut payment = Fixture::open().await;
    let order = order("tok_ok");

    payment.hear(Fact::ShipmentCancelled, &order).await.unwrap();
    payment.hear(Fact::OrderPlaced, &order).await.unwrap();

    let voided = (Some(Payment::Voided), Some(provider::Status::Voided));
    assert_eq!(payment.money(&order).await, voided);
    assert_eq!(payment.told().await, []);
}

#[tokio::test]
async fn a_provider_that_fails_is_asked_again_later() {
    let mut payment = Fixture::open().await;
    let order = order("tok_ok");
    let behave = |error_rate| provider::Behaviour {
        error_rate,
        ..Default::default()
    };

    payment.provider.set_behaviour(behave(1.0));
    payment.hear(Fact::OrderPlaced, &order).await.unwrap_err();
    assert_eq!(payment.money(&order).await.0, None);

    payment.provider.set_behaviour(behave(0.0));
    payment.hear(Fact::OrderPlaced, &order).await.unwrap();
    assert_eq!(payment.money(&order).await.0, Some(Payment::Authorized));
}

#[tokio::test]
async fn what_the_provider_refuses_for_good_goes_to_the_dead_letters_at_once() {
    let mut payment = Fixture::open().await;
    let order = order("tok_ok");
    payment.hear(Fact::OrderPlaced, &order).await.unwrap();
    // Behind our back: a person at the provider, or the end of the authorization.
    payment.money.provider.void(order.id).await.unwrap();

    let fault = payment.hear(Fact::Dispatched, &order).await.unwrap_err();

    assert_eq!(fault, Fault::reject(fault.reason()));
    assert!(fault.reason().contains("409"), "{fault:?}");
}

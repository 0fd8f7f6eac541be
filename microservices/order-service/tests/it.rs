//! The order service over HTTP and with its events, on a real Postgres and queues in process.
#![allow(clippy::unwrap_used)]

#[path = "it/overdue.rs"]
mod overdue;

use std::time::Duration;

use chassis::Running;
use chassis::auth::{KeyPair, TokenIssuer};
use chassis::config::{Database, Serving, TokenKey, TokenSigning};
use contracts::http::{HistoryEntry, OrderBody, TOKEN_ISSUER};
use contracts::topology::{ORDER, PAYMENT, SHIPPING};
use contracts::{Event, ExpireOrder};
use domain::{CustomerId, Fact, OrderId, Status};
use messaging::{BatchHandler, Local, Outbox, handle_batch};
use order_service::handlers::{ExpireOrders, RecordFacts};
use order_service::{Settings, start};
use reqwest::{Client, StatusCode};
use sandbox::postgres::Lease;
use sandbox::testing;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use store::{catalogue, orders, seed};
use tokio_util::sync::CancellationToken;

struct Fixture {
    service: Running,
    queues: Local,
    db: PgConnection,
    outbox: Outbox,
    token: String,
    _database: Lease,
}

impl Fixture {
    async fn open() -> Fixture {
        Fixture::open_with(Default::default()).await
    }

    async fn open_with(overdue: order_service::overdue::Ages) -> Fixture {
        let database = testing::database("orders").await;
        let keys = KeyPair::generate();
        let signing = TokenSigning {
            auth_private_key: keys.private,
            auth_token_life_s: 60,
        };
        let queues = Local::new();
        let settings = Settings {
            serving: Serving::on_free_port(),
            database: Database::new(&database.url),
            token_key: TokenKey {
                auth_public_key: keys.public,
            },
            queues: messaging::Settings {
                transport: Some(queues.clone().into()),
                ..messaging::Settings::default()
            },
            order_expiry_ms: 600_000,
            overdue,
        };

        let serving = settings.serving.clone();
        let start = |context| start(settings, context);
        let service = chassis::launch("order-service", serving, CancellationToken::new(), start);
        let service = service.await.unwrap();

        let mut db = PgConnection::connect(&database.url).await.unwrap();
        catalogue::offer(&mut db, &seed::products(1)).await.unwrap();
        let token = TokenIssuer::new(&signing, TOKEN_ISSUER)
            .unwrap()
            .issue(CustomerId::new().0)
            .unwrap();
        Fixture {
            service,
            queues,
            db,
            outbox: Outbox::new(&database.pool().await.unwrap()),
            token,
            _database: database,
        }
    }

    async fn place(&self) -> OrderBody {
        let body = json!({
            "lines": [{ "sku": "product-00000", "quantity": 1 }],
            "payment_method": "tok_ok",
        });
        let answer = Client::new()
            .post(format!("{}/orders", self.service.url()))
            .bearer_auth(&self.token)
            .header("idempotency-key", "once")
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.unwrap()
    }

    async fn cancel(&self, order: &OrderBody) -> StatusCode {
        let url = format!("{}/orders/{}/cancel", self.service.url(), order.id);
        let request = Client::new().post(url).bearer_auth(&self.token);
        request.send().await.unwrap().status()
    }

    async fn history(&self, order: &OrderBody) -> Vec<HistoryEntry> {
        let url = format!("{}/orders/{}/history", self.service.url(), order.id);
        let request = Client::new().get(url).bearer_auth(&self.token);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn hear(&mut self, order: &OrderBody, facts: &[Fact]) {
        let known = orders::find(&mut self.db, OrderId(order.id))
            .await
            .unwrap()
            .unwrap();
        let events = facts
            .iter()
            .map(|fact| Event::new(*fact, known.order.clone()))
            .collect();
        self.handle(&RecordFacts, events).await;
    }

    async fn handle<M: Send + Sync + 'static>(
        &self,
        handler: &impl BatchHandler<Message = M>,
        messages: Vec<M>,
    ) {
        let mut tx = self.outbox.begin().await.unwrap();
        handle_batch(handler, &mut tx, messages).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn status(&mut self, order: &OrderBody) -> Status {
        orders::find(&mut self.db, OrderId(order.id))
            .await
            .unwrap()
            .unwrap()
            .status()
    }

    async fn sent(&self, queue: &str, expected: usize) {
        let arrived = async {
            while self.queues.depth(queue) != expected {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let arrived = tokio::time::timeout(Duration::from_secs(10), arrived).await;
        assert!(
            arrived.is_ok(),
            "{queue} has {} messages",
            self.queues.depth(queue)
        );
    }
}

#[tokio::test]
async fn a_placed_order_is_told_of_once_however_often_it_is_asked_for() {
    let orders = Fixture::open().await;
    let placed = orders.place().await;
    let again = orders.place().await;

    assert_eq!(placed.status, Status::Placed);
    assert_eq!(placed, again);
    orders.sent(PAYMENT, 1).await;
    assert_eq!(orders.queues.depth(ORDER), 0);
}

#[tokio::test]
async fn facts_settle_an_order_in_whatever_order_they_come() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;

    orders
        .hear(&placed, &[Fact::ShipmentScheduled, Fact::ShipmentScheduled])
        .await;
    assert_eq!(orders.status(&placed).await, Status::Confirmed);
    orders
        .hear(&placed, &[Fact::PaymentAuthorized, Fact::StockReserved])
        .await;
    assert_eq!(orders.status(&placed).await, Status::Confirmed);
}

#[tokio::test]
async fn a_history_is_in_the_order_in_which_it_happened() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;
    let known = orders::find(&mut orders.db, OrderId(placed.id))
        .await
        .unwrap()
        .unwrap();
    let happened = [
        Fact::PaymentAuthorized,
        Fact::StockReserved,
        Fact::ShipmentScheduled,
    ];
    let events = happened.map(|fact| Event::new(fact, known.order.clone()));

    for event in events.into_iter().rev() {
        orders.handle(&RecordFacts, vec![event]).await;
    }

    let history = orders.history(&placed).await;
    let facts: Vec<Fact> = history.iter().map(|entry| entry.fact).collect();
    assert_eq!(facts[0], Fact::OrderPlaced);
    assert_eq!(facts[1..], happened);
}

#[tokio::test]
async fn a_wish_to_cancel_is_passed_on_to_shipping() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;

    assert_eq!(orders.cancel(&placed).await, StatusCode::ACCEPTED);
    orders.sent(SHIPPING, 1).await;
    assert_eq!(orders.status(&placed).await, Status::Placed);
}

#[tokio::test]
async fn many_wishes_to_cancel_one_order_are_one_event() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;
    let wishes = (0..40).map(|_| orders.cancel(&placed));
    for answer in futures::future::join_all(wishes).await {
        assert_eq!(answer, StatusCode::ACCEPTED);
    }

    let waiting = "select count(*) from outbox where queue = $1";
    let sent = async {
        loop {
            let waiting = sqlx::query_scalar(waiting).bind(SHIPPING);
            let waiting: i64 = waiting.fetch_one(&mut orders.db).await.unwrap();
            if waiting == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), sent)
        .await
        .unwrap();
    orders.sent(SHIPPING, 1).await;
}

#[tokio::test]
async fn it_is_too_late_to_cancel_what_is_known_to_be_dispatched() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;
    orders
        .hear(&placed, &[Fact::ShipmentScheduled, Fact::Dispatched])
        .await;

    assert_eq!(orders.cancel(&placed).await, StatusCode::CONFLICT);
    assert_eq!(orders.queues.depth(SHIPPING), 0);
}

#[tokio::test]
async fn an_overdue_order_asks_to_be_cancelled_and_a_settled_one_does_not() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;
    let expiry = |order: &OrderBody| ExpireOrder {
        order: OrderId(order.id),
        after: Duration::ZERO,
    };
    let asked = "select count(*) from order_facts where fact = 'cancel_requested'";

    orders.handle(&ExpireOrders, vec![expiry(&placed)]).await;
    let count: i64 = sqlx::query_scalar(asked)
        .fetch_one(&mut orders.db)
        .await
        .unwrap();
    assert_eq!(count, 1);

    sqlx::query("delete from order_facts where fact = 'cancel_requested'")
        .execute(&mut orders.db)
        .await
        .unwrap();
    orders.hear(&placed, &[Fact::ShipmentScheduled]).await;
    orders.handle(&ExpireOrders, vec![expiry(&placed)]).await;
    let count: i64 = sqlx::query_scalar(asked)
        .fetch_one(&mut orders.db)
        .await
        .unwrap();
    assert_eq!(count, 0);
}

//! The order service as a process has it, with queues in memory.

use chassis::Running;
use chassis::config::{Database, Serving};
use contracts::Event;
use contracts::http::{HistoryEntry, OrderBody};
use domain::{Fact, OrderId, Status};
use messaging::{BatchHandler, Local};
use order_service::handlers::RecordFacts;
use order_service::overdue::Ages;
use order_service::{Settings, start};
use reqwest::{Client, StatusCode};
use sandbox::testing::until_eq;
use shop_testing::{Keys, ServiceDatabase, in_process, order_body};
use sqlx::PgConnection;
use store::orders::{self, OrderRecord};
use store::{Context, catalogue, seed};
use tokio_util::sync::CancellationToken;

pub(crate) struct Fixture {
    service: Running,
    pub(crate) queues: Local,
    database: ServiceDatabase,
    token: String,
}

impl Fixture {
    pub(crate) async fn open() -> Fixture {
        Fixture::open_with(Ages::default()).await
    }

    pub(crate) async fn open_with(overdue: Ages) -> Fixture {
        let mut database = ServiceDatabase::open("orders", Context::Orders).await;
        let products = seed::products(1);
        catalogue::offer(&mut database.connection, &products)
            .await
            .unwrap();
        let (keys, queues) = (Keys::generate(), Local::new());
        let settings = Settings {
            serving: Serving::on_free_port(),
            database: Database::new(database.url()),
            token_key: keys.verifying.clone(),
            queues: in_process(&queues),
            order_expiry_ms: 600_000,
            overdue,
        };
        let serving = settings.serving.clone();
        let start = |context| start(settings, context);
        let service = chassis::launch("order-service", serving, CancellationToken::new(), start);
        Fixture {
            service: service.await.unwrap(),
            queues,
            database,
            token: keys.token(),
        }
    }

    pub(crate) fn db(&mut self) -> &mut PgConnection {
        &mut self.database.connection
    }

    /// Always under the same key.
    pub(crate) async fn place(&self) -> OrderBody {
        let answer = Client::new()
            .post(format!("{}/orders", self.service.url()))
            .bearer_auth(&self.token)
            .header("idempotency-key", "once")
            .json(&order_body("product-00000", 1))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.unwrap()
    }

    pub(crate) async fn cancel(&self, order: &OrderBody) -> StatusCode {
        let url = format!("{}/orders/{}/cancel", self.service.url(), order.id);
        let request = Client::new().post(url).bearer_auth(&self.token);
        request.send().await.unwrap().status()
    }

    pub(crate) async fn history(&self, order: &OrderBody) -> Vec<HistoryEntry> {
        let url = format!("{}/orders/{}/history", self.service.url(), order.id);
        let request = Client::new().get(url).bearer_auth(&self.token);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The service receives these facts about the order in one batch.
    pub(crate) async fn receive(&mut self, order: &OrderBody, facts: &[Fact]) {
        let record = self.record(order).await;
        let event = |fact: &Fact| Event::new(*fact, record.order.clone());
        let events = facts.iter().map(event).collect();
        self.handle(&RecordFacts, events).await;
    }

    pub(crate) async fn handle<M: Send + Sync + 'static>(
        &self,
        handler: &impl BatchHandler<Message = M>,
        messages: Vec<M>,
    ) {
        self.database.handle(handler, messages).await.unwrap();
    }

    pub(crate) async fn record(&mut self, order: &OrderBody) -> OrderRecord {
        let found = orders::find(self.db(), OrderId(order.id)).await;
        found.unwrap().unwrap()
    }

    pub(crate) async fn status(&mut self, order: &OrderBody) -> Status {
        self.record(order).await.status()
    }

    pub(crate) async fn count(&mut self, sql: &'static str) -> i64 {
        sandbox::testing::count(self.db(), sql).await
    }

    pub(crate) async fn until_depth(&self, queue: &str, expected: usize) {
        until_eq(queue, async || self.queues.depth(queue), expected).await;
    }
}

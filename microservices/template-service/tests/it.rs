//! The service on real Postgres and an SQS endpoint, from message to HTTP answer.
#![allow(clippy::unwrap_used)]

use chassis::config::{Database, Serving};
use messaging::{Sqs, Transport, dead_letters};
use sandbox::testing::{self, until};
use template_service::{Settings, handlers::Greeted, start};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn greetings_are_counted_and_one_without_a_name_is_dead_lettered() {
    let (database, sqs) = (testing::database("template").await, testing::sqs().await);
    let settings = Settings {
        serving: Serving::on_free_port(),
        database: Database::new(&database.url),
        queues: messaging::Settings::endpoint(&sqs.endpoint),
    };
    let queues = Sqs::connect(&settings.queues).await.unwrap();
    let (serving, stop) = (settings.serving.clone(), CancellationToken::new());
    let service = chassis::launch("template-service", serving, stop, |c| start(settings, c));
    let service = service.await.unwrap();
    let says = async |path: &str, expected: &str| {
        let answer = reqwest::get(format!("{}{path}", service.url())).await;
        answer.unwrap().text().await.unwrap() == expected
    };
    until("ready", async || says("/readyz", "ready\n").await).await;

    let greeted = ["Ada", "", "Ada", "Grace"].map(|name| Greeted { name: name.into() });
    let sent = Transport::from(queues.clone()).publish_all(&greeted).await;
    sent.unwrap();
    let ada = r#"{"name":"Ada","times":2}"#;
    until("counted", async || says("/greetings/Ada", ada).await).await;
    until("rejected", async || {
        let dead = dead_letters::peek(&queues, "greetings-dlq", 1).await;
        let reasons = dead.unwrap().into_iter().map(|dead| dead.reason);
        reasons
            .flatten()
            .any(|reason| reason == "the name is empty")
    })
    .await;
    service.stop().await.unwrap();
}

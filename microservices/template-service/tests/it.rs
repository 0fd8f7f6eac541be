//! The service on real Postgres and an SQS endpoint, from message to HTTP answer.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use chassis::config::{Database, Serving};
use messaging::{Sqs, Transport, dead_letters};
use sandbox::testing;
use template_service::{Settings, handlers::Greeted, start};

#[tokio::test]
async fn greetings_are_counted_and_nobody_goes_to_the_dead_letters() {
    let (database, sqs) = (testing::database("template").await, testing::sqs().await);
    let settings = Settings {
        serving: Serving::anywhere(),
        database: Database::new(&database.url),
        queues: messaging::Settings::endpoint(&sqs.endpoint),
    };
    let queues = Sqs::connect(&settings.queues).await.unwrap();
    let (serving, stop) = (
        settings.serving.clone(),
        tokio_util::sync::CancellationToken::new(),
    );
    let launched = chassis::launch("template-service", serving, stop, |c| start(settings, c));
    let service = launched.await.unwrap();

    let (url, deadline) = (service.url(), Instant::now() + Duration::from_secs(30));
    while reqwest::get(format!("{url}/readyz"))
        .await
        .unwrap()
        .status()
        != 200
    {
        assert!(Instant::now() < deadline, "never ready");
    }
    for name in ["Ada", "", "Ada", "Grace"] {
        let greeted = Greeted { name: name.into() };
        Transport::from(queues.clone())
            .publish(&greeted)
            .await
            .unwrap();
    }
    while reqwest::get(format!("{url}/greetings/Ada"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
        != r#"{"name":"Ada","times":2}"#
    {
        assert!(Instant::now() < deadline, "Ada was not counted");
    }
    let mut dead = vec![];
    while dead.is_empty() && Instant::now() < deadline {
        dead = dead_letters::peek(&queues, "greetings-dlq", 10)
            .await
            .unwrap();
    }
    assert_eq!(dead[0].reason.as_deref(), Some("nobody was greeted"));
    service.stop().await.unwrap();
}

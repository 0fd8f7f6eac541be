//! Authorizations that no answer comes to.

use std::time::Duration;

use chassis::config::{Database, Serving};
use contracts::topology::INVENTORY;
use domain::Payment;
use messaging::Local;
use payment_service::{Settings, overdue, start};
use sandbox::testing;
use sqlx::{Connection, PgConnection};
use store::payments;
use tokio_util::sync::CancellationToken;

use crate::order;

#[tokio::test]
async fn an_authorization_without_an_answer_is_told_again_until_there_is_one() {
    let database = testing::database("payment").await;
    let provider = payment_provider::testing::provider().await;
    let queues = Local::new();
    let settings = Settings {
        serving: Serving::on_free_port(),
        database: Database::new(&database.url),
        queues: messaging::Settings {
            transport: Some(queues.clone().into()),
            ..messaging::Settings::default()
        },
        payment_provider_url: provider.url(),
        overdue: overdue::Ages {
            payment_unanswered_ms: 20,
        },
    };
    let serving = settings.serving.clone();
    let start = |context| start(settings, context);
    let stop = CancellationToken::new();
    let service = chassis::launch("payment-service", serving, stop, start);
    let _service = service.await.unwrap();

    // What it told of it is lost.
    let (unanswered, ended) = (order("tok_ok"), order("tok_ok"));
    let mut db = PgConnection::connect(&database.url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let authorized = [&unanswered, &ended].map(|order| (order, Payment::Authorized));
    payments::insert_with_orders(&mut tx, authorized)
        .await
        .unwrap();
    payments::save(&mut tx, [(ended.id, Payment::Captured)])
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let told = |id: &str| {
        let bodies = queues.peek(INVENTORY);
        let about = bodies.iter().filter(|body| body.contains(id));
        let authorized = about.filter(|body| body.contains("payment_authorized"));
        authorized.count()
    };
    let again = async {
        while told(&unanswered.id.to_string()) < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(20), again).await;
    assert!(again.is_ok(), "told {:?}", queues.peek(INVENTORY));
    assert_eq!(told(&ended.id.to_string()), 0);

    payments::save(&mut db, [(unanswered.id, Payment::Captured)])
        .await
        .unwrap();
    let left = "select count(*) from payments where placed_order is not null";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&mut db).await.unwrap();
    assert_eq!(left, 0, "nothing is left to be told");
}

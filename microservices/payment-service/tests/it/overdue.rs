//! Authorizations that receive no answer.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::disallowed_methods)]

use chassis::config::{Database, Serving};
use contracts::topology::INVENTORY;
use domain::Payment;
use messaging::Local;
use payment_service::{Settings, overdue, start};
use sandbox::testing;
use shop_testing::{in_process, order, published, until_published};
use sqlx::Connection;
use store::payments;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn an_authorization_without_an_answer_is_published_again_until_there_is_one() {
    let database = testing::database("payment").await;
    let provider = payment_provider::testing::provider().await;
    let queues = Local::new();
    let settings = Settings {
        serving: Serving::on_free_port(),
        database: Database::new(&database.url),
        queues: in_process(&queues),
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

    // The message about it is lost.
    let (unanswered, ended) = (order("product-00000", 1), order("product-00000", 1));
    let mut db = database.connect().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let authorized = [&unanswered, &ended].map(|order| (order, Payment::Authorized));
    payments::insert_with_orders(&mut tx, authorized)
        .await
        .unwrap();
    payments::save(&mut tx, [(ended.id, Payment::Captured)])
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let authorized = "payment_authorized";
    let (unanswered_id, ended_id) = (unanswered.id.to_string(), ended.id.to_string());
    until_published(&queues, INVENTORY, &[authorized, &unanswered_id], 3).await;
    assert_eq!(published(&queues, INVENTORY, &[authorized, &ended_id]), 0);

    payments::save(&mut db, [(unanswered.id, Payment::Captured)])
        .await
        .unwrap();
    let left = "select count(*) from payments where placed_order is not null";
    let left = testing::count(&mut db, left).await;
    assert_eq!(left, 0, "no authorization is left to publish");
}

//! A promise that is broken in the ledger, in a queue or in an outbox is found.

use uuid::Uuid;

use super::super::{Snapshot, audit};
use super::{CONFIRMED, broken, sent, shop, snapshot};

#[tokio::test]
async fn a_promise_broken_outside_the_databases_is_found_too() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let intact = snapshot(&mut connection).await;
    let check = |corrupt: fn(&mut Snapshot), promise: &str| {
        let mut snapshot = intact.clone();
        corrupt(&mut snapshot);
        let checks = audit(&snapshot, &[CONFIRMED].map(sent), 0);
        assert!(
            broken(&checks)
                .iter()
                .any(|broken| broken.contains(promise)),
            "{promise}"
        );
    };

    check(
        |snapshot| snapshot.ledger[0].status = "captured".to_owned(),
        "ledger agrees",
    );
    check(
        |snapshot| snapshot.ledger[1].authorization = None,
        "ledger agrees",
    );
    check(
        |snapshot| snapshot.ledger[0].order_id = Uuid::from_u128(9),
        "ledger agrees",
    );
    check(|snapshot| drop(snapshot.ledger.remove(1)), "ledger agrees");
    check(
        |snapshot| *snapshot.queues.get_mut("order-events").unwrap() = 1,
        "left in a queue",
    );
    check(
        |snapshot| *snapshot.queues.get_mut("order-events-dlq").unwrap() = 1,
        "dead-letter",
    );
    check(
        |snapshot| *snapshot.outboxes.get_mut("orders").unwrap() = 1,
        "outbox",
    );
}

#[test]
fn a_shop_that_accepts_no_order_breaks_a_promise() {
    let checks = audit(&Snapshot::default(), &[], 0);
    assert_eq!(broken(&checks), ["orders are accepted"]);
}

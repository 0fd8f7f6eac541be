//! Each broken row of a real database is found.

use sqlx::{AssertSqlSafe, Connection};

use super::super::audit;
use super::{CANCELLED, CONFIRMED, DISPATCHED, broken, sent, shop, snapshot};

#[tokio::test]
async fn an_intact_shop_passes_and_each_broken_row_is_found() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let accepted = [CONFIRMED, DISPATCHED, CANCELLED].map(sent);

    let intact = audit(&snapshot(&mut connection).await, &accepted, 0);
    assert_eq!(broken(&intact), Vec::<&str>::new(), "{intact:?}");
    assert!(intact.iter().all(|check| check.examined > 0), "{intact:?}");

    let corruptions = [
        (
            "delete from order_facts where fact <> 'order_placed'",
            "one status",
        ),
        (
            "insert into order_facts select order_id, 'shipment_cancelled' from order_facts
          where fact = 'dispatched'",
            "one status",
        ),
        (
            "update payments set amount_minor = 999 where state = 'captured'",
            "of its total",
        ),
        (
            "delete from payments where state = 'authorized'",
            "of its total",
        ),
        (
            "update payments set state = 'capture_due' where state = 'captured'",
            "of its total",
        ),
        (
            "delete from reservations where state = 'held'",
            "reservation of its lines",
        ),
        (
            "update reservations set quantities = '{3}' where state = 'held'",
            "of its lines",
        ),
        (
            "update reservations set state = 'released' where state = 'held'",
            "of its lines",
        ),
        (
            "delete from shipments where state = 'scheduled'",
            "one shipment",
        ),
        (
            "update shipments set state = 'scheduled' where state = 'dispatched'",
            "one shipment",
        ),
        (
            "update payments set state = 'captured' where state = 'voided'",
            "keeps no money",
        ),
        (
            "update payments set state = 'refund_due' where state = 'voided'",
            "keeps no money",
        ),
        (
            "update reservations set state = 'held' where state = 'released'",
            "keeps no stock",
        ),
        (
            "update shipments set state = 'scheduled' where state = 'cancelled'",
            "keeps no stock",
        ),
        ("update stock set available = 95", "conserved"),
        ("update stock set reserved = 5, available = 95", "conserved"),
        (
            "alter table stock drop constraint stock_never_negative;
          update stock set available = -1, reserved = 101",
            "never negative",
        ),
        (
            "update payments set state = 'voided' where state = 'captured'",
            "ledger agrees",
        ),
        (
            "insert into payments values (gen_random_uuid(), 'declined', 1, 'EUR')",
            "has its order",
        ),
        (
            "insert into shipments values (gen_random_uuid(), 'scheduled', now())",
            "has its order",
        ),
        (
            "delete from order_facts where order_id::text like '%1';
          delete from order_lines where order_id::text like '%1';
          delete from orders where id::text like '%1'",
            "is on record",
        ),
        (
            "update order_lines set quantity = 3;
          update reservations set quantities = '{3}'",
            "the one that was sent",
        ),
    ];
    for (sql, promise) in corruptions {
        #[expect(clippy::disallowed_methods, reason = "nothing cancels a test")]
        let mut tx = connection.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *tx)
            .await
            .unwrap();
        let checks = audit(&snapshot(&mut tx).await, &accepted, 0);
        let found = broken(&checks);
        assert!(
            found.iter().any(|broken| broken.contains(promise)),
            "{sql}: {found:?}"
        );
        tx.rollback().await.unwrap();
    }
}

//! Parked rows: messages of the outbox that their queue refuses for good.

use std::sync::atomic::{AtomicUsize, Ordering};

use messaging::{CallFault, Local, QueueCall, Runtime};

use crate::fixture::{Fixture, quick, sqs, until};
use crate::messages::{Later, relay};

#[tokio::test]
async fn a_row_that_is_refused_for_good_is_parked_and_delays_no_other() {
    let fixture = Fixture::new().await;
    for directly in [false, true] {
        let calls = AtomicUsize::new(0);
        let local = Local::with_faults(move |call| match call {
            QueueCall::Send if calls.fetch_add(1, Ordering::Relaxed) == 0 => CallFault::Stale,
            _ => CallFault::None,
        });
        let service = relay(&fixture, &local);
        let (health, outbox) = (service.health(), service.outbox());
        let stop = fixture.stop.child_token();
        let running = tokio::spawn(service.run(stop.clone()));
        let later = |n| Later {
            delay: None,
            key: Some("a".into()),
            n,
        };
        if directly {
            let mut tx = outbox.begin().await.unwrap();
            tx.push(&Later {
                key: None,
                ..later(0)
            })
            .unwrap();
            tx.commit().await.unwrap();
        } else {
            // Later rows of the same key do not wait for it.
            fixture.push([later(0)]).await;
        }
        let parked = async || {
            let parked = "select count(*) from outbox where send_at = 'infinity'";
            sqlx::query_scalar::<_, i64>(parked)
                .fetch_one(&fixture.db)
                .await
                .unwrap()
        };
        until("it is parked", async || parked().await == 1).await;
        fixture.push([later(1)]).await;
        until("the next is sent", async || local.depth("later") == 1).await;
        until("the service is healthy", async || health.is_healthy()).await;
        assert_eq!(parked().await, 1);
        stop.cancel();
        running.await.unwrap().unwrap();
        sqlx::query("delete from outbox")
            .execute(&fixture.db)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_row_that_makes_a_whole_call_fail_is_parked_and_the_others_are_sent() {
    let fixture = Fixture::new().await;
    let (server, sqs) = sqs().await;
    fixture
        .push((0..3).map(|n| Later {
            delay: None,
            key: None,
            n,
        }))
        .await;
    // Rows that an older version might have written. No call has room for more than two.
    let longer = "update outbox set body = rpad('', $1, 'x') where position = $2";
    for (position, bytes) in [(1, 1024 * 1024 - 400), (2, 1024 * 1024 + 400)] {
        let longer = sqlx::query(longer).bind(bytes).bind(position);
        longer.execute(&fixture.db).await.unwrap();
    }
    let service = Runtime::new(&fixture.db, sqs).queues([quick("later")]);
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("all are sent but one", async || {
        fixture.count("outbox").await == 1
    })
    .await;
    let parked = "select position from outbox where send_at = 'infinity'";
    until("that is parked", async || {
        let parked = sqlx::query_scalar::<_, i64>(parked).fetch_optional(&fixture.db);
        parked.await.unwrap() == Some(2)
    })
    .await;
    let queues = server.control().queues();
    let later = queues.iter().find(|queue| queue.name == "later").unwrap();
    assert_eq!(later.waiting, 2);
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

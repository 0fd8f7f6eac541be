//! Delays: the part that SQS cannot keep is spent in the outbox.

use std::time::Duration;

use messaging::{Error, Local, Outbox, Provision, Transport};

use crate::fixture::{Fixture, quick, sqs, until};
use crate::messages::{Later, Odd, PLAIN, relay};

#[tokio::test]
async fn a_delay_beyond_the_maximum_of_sqs_is_spent_in_the_outbox() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let delay = |minutes: u64| Later {
        delay: Some(Duration::from_secs(minutes * 60)),
        key: None,
        n: 0,
    };
    fixture.push([delay(60), delay(14)]).await;
    let running = tokio::spawn(relay(&fixture, &local).run(fixture.stop.clone()));
    until("the shorter is sent", async || local.depth("later") == 1).await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(fixture.count("outbox").await, 1);
    let minutes = "select (extract(epoch from send_at - now()) / 60)::float8 from outbox";
    let minutes: f64 = sqlx::query_scalar(minutes)
        .fetch_one(&fixture.db)
        .await
        .unwrap();
    assert!(
        (44.0..=45.0).contains(&minutes),
        "SQS takes the last 15 minutes: {minutes}"
    );
}

#[tokio::test]
async fn a_delay_over_ten_years_is_refused() {
    let fixture = Fixture::new().await;
    let message = Later {
        delay: Some(Duration::MAX),
        key: None,
        n: 0,
    };
    let mut tx = Outbox::new(&fixture.db).begin().await.unwrap();
    let refused = tx.push(&message);
    assert!(matches!(refused, Err(Error::DelayTooLong(_))));
}

#[tokio::test]
async fn a_delay_on_a_fifo_queue_is_spent_in_the_outbox() {
    let fixture = Fixture::new().await;
    let delay = Some(Duration::from_secs(14 * 60));
    fixture
        .push([Odd {
            queue: "later.fifo",
            delay,
            ..PLAIN
        }])
        .await;
    let minutes = "select (extract(epoch from send_at - now()) / 60)::float8 from outbox";
    let minutes: f64 = sqlx::query_scalar(minutes)
        .fetch_one(&fixture.db)
        .await
        .unwrap();
    assert!((13.0..=14.0).contains(&minutes), "{minutes}");
}

#[tokio::test]
async fn a_delay_that_needs_an_outbox_is_refused_without_one() {
    let (_server, sqs) = sqs().await;
    let transport = Transport::from(sqs);
    for queue in ["later", "later.fifo"] {
        transport
            .ensure(&quick(queue), Provision::Create)
            .await
            .unwrap();
    }
    let minutes = |queue, minutes: u64| Odd {
        queue,
        delay: Some(Duration::from_secs(minutes * 60)),
        ..PLAIN
    };
    transport.publish(&minutes("later", 15)).await.unwrap();
    for odd in [minutes("later", 16), minutes("later.fifo", 1)] {
        let refused = transport.publish(&odd).await;
        assert!(
            matches!(refused, Err(Error::NeedsOutbox { .. })),
            "{refused:?}"
        );
    }
}

//! Direct sending: at once, and with shared calls.

use std::time::{Duration, Instant};

use messaging::{Local, RelayOptions, Runtime};

use crate::fixture::{Arrived, Fixture, Weighed, quick, sqs, until};

#[tokio::test]
async fn messages_of_a_request_are_sent_at_once() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let service = Runtime::new(&fixture.db, local.clone()).queues([quick("weights")]);
    let outbox = service.outbox();
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    let since = Instant::now();
    for parcel in 0..8 {
        // Just after a poll of the outbox, when the next one is furthest away.
        until("the outbox is empty", async || {
            local.depth("weights") == parcel
        })
        .await;
        let mut tx = outbox.begin().await.unwrap();
        let mut savepoint = tx.savepoint().await.unwrap();
        let weighed = Weighed {
            parcel: parcel as i32,
        };
        savepoint.push(&weighed).unwrap();
        savepoint.commit().await.unwrap();
        tx.commit().await.unwrap();
        until("it is sent", async || local.depth("weights") > parcel).await;
    }
    let took = since.elapsed();
    assert!(
        took < Duration::from_secs(4),
        "only by polls of the outbox: {took:?}"
    );
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn messages_of_concurrent_requests_share_calls() {
    const PARCELS: i32 = 30;
    let fixture = Fixture::new().await;
    let (server, sqs) = sqs().await;
    let lingering = RelayOptions {
        linger: Duration::from_millis(70),
        ..RelayOptions::default()
    };
    let service = Runtime::new(&fixture.db, sqs)
        .queues([quick("parcels")])
        .relay_options(lingering);
    service.prepare().await.unwrap();
    let outbox = service.outbox();
    let running = tokio::spawn(service.run(fixture.stop.clone()));

    let pushes = (0..PARCELS).map(|parcel| {
        let outbox = &outbox;
        async move {
            let mut tx = outbox.begin().await?;
            tx.push(&Arrived { parcel })?;
            tx.commit().await
        }
    });
    futures::future::try_join_all(pushes).await.unwrap();
    until("all are sent", async || fixture.count("outbox").await == 0).await;

    let queues = server.control().queues();
    let parcels = queues.iter().find(|queue| queue.name == "parcels").unwrap();
    assert_eq!(parcels.waiting, PARCELS as usize);
    let sends = server.control().calls()["SendMessageBatch"];
    assert!(sends <= 15, "{PARCELS} parcels took {sends} calls");
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

//! A message from outbox to inbox, end to end.

use messaging::{Local, ShutdownSummary};

use crate::fixture::{Arrived, Fixture, parcel_service, sqs, until};

async fn a_hundred_parcels(fixture: &Fixture, service: messaging::Runtime) -> ShutdownSummary {
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture
        .push((0..100).map(|parcel| Arrived { parcel }))
        .await;

    until("all are weighed", async || {
        fixture.records("weighed").await.len() == 100
    })
    .await;
    until("the outbox is empty", async || {
        fixture.count("outbox").await == 0
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_message_goes_from_outbox_to_inbox_over_sqs() {
    let fixture = Fixture::new().await;
    let (_server, sqs) = sqs().await;
    let summary = a_hundred_parcels(&fixture, parcel_service(&fixture, sqs)).await;

    assert_eq!((summary.handled, summary.lost), (200, 0), "{summary}");
    let mut parcels = fixture.records("weighed").await;
    parcels.sort();
    assert_eq!(parcels, (0..100).collect::<Vec<_>>());
    assert_eq!(fixture.count("inbox").await, 200);
}

#[tokio::test]
async fn the_same_handlers_run_without_sqs() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let summary = a_hundred_parcels(&fixture, parcel_service(&fixture, local.clone())).await;

    assert_eq!((summary.handled, summary.lost), (200, 0), "{summary}");
    assert_eq!(local.depth("parcels") + local.depth("weights"), 0);
}

//! The way of a message, end to end.

use messaging::{Local, ShutdownSummary};

use crate::world::{Brought, World, office, sqs, until};

async fn a_hundred_parcels(world: &World, service: messaging::Runtime) -> ShutdownSummary {
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push((0..100).map(|parcel| Brought { parcel })).await;

    until("all are weighed", async || {
        world.book("weighed").await.len() == 100
    })
    .await;
    until("the outbox is empty", async || {
        world.count("outbox").await == 0
    })
    .await;
    world.stop.cancel();
    running.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_message_goes_from_outbox_to_inbox_over_sqs() {
    let world = World::new().await;
    let (_server, sqs) = sqs().await;
    let summary = a_hundred_parcels(&world, office(&world, sqs)).await;

    assert_eq!((summary.handled, summary.lost), (200, 0), "{summary}");
    let mut parcels = world.book("weighed").await;
    parcels.sort();
    assert_eq!(parcels, (0..100).collect::<Vec<_>>());
    assert_eq!(world.count("inbox").await, 200);
}

#[tokio::test]
async fn the_same_handlers_run_without_sqs() {
    let world = World::new().await;
    let local = Local::new();
    let summary = a_hundred_parcels(&world, office(&world, local.clone())).await;

    assert_eq!((summary.handled, summary.lost), (200, 0), "{summary}");
    assert_eq!(local.depth("parcels") + local.depth("weights"), 0);
}

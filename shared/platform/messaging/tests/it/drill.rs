//! Drills: a poison message, and a field that readers do not know.

use messaging::{Destination, Drill, Local, Message, QueueSpec, Runtime, Settings, Transport, drill};
use serde::{Deserialize, Serialize};

use crate::fixture::{Fixture, RecordWeights, WeighParcels, publish, until};

/// A message that makes its handler panic.
#[derive(Serialize, Deserialize)]
struct Poison {}

impl Message for Poison {
    const KIND: &'static str = drill::PANIC;

    fn destinations(&self) -> Vec<Destination> {
        vec!["parcels".into()]
    }
}

#[tokio::test]
async fn in_a_drill_poison_is_retried_alone_and_elsewhere_it_is_a_dead_letter() {
    for (drill, dead_letters) in [(Drill::Panic, 0), (Drill::Off, 1)] {
        let fixture = Fixture::new().await;
        let local = Local::new();
        let settings = Settings {
            drill,
            transport: Some(local.clone().into()),
            ..Settings::default()
        };
        let runtime = Runtime::connect(&fixture.db, &settings).await.unwrap();
        let runtime = runtime
            .queues([QueueSpec::new("weights")])
            .handle(QueueSpec::new("parcels"), WeighParcels);
        runtime.prepare().await.unwrap();
        let transport = Transport::from(local.clone());
        transport.publish_all(&[Poison {}]).await.unwrap();
        publish(&local, 0..5).await;
        let running = tokio::spawn(runtime.run(fixture.stop.clone()));
        until("all parcels are weighed", async || {
            local.depth("weights") == 5
        })
        .await;
        let poison = local.depth("parcels") + local.depth("parcels-dlq");
        assert_eq!(poison, 1, "{drill:?}");
        assert_eq!(local.depth("parcels-dlq"), dead_letters, "{drill:?}");
        fixture.stop.cancel();
        let summary = running.await.unwrap().unwrap();
        assert_eq!(summary.retried > 0, drill == Drill::Panic, "{summary}");
    }
}

#[tokio::test]
async fn a_new_version_sends_a_field_that_an_old_reader_ignores() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let version = async |drill| {
        let settings = Settings {
            drill,
            transport: Some(local.clone().into()),
            ..Settings::default()
        };
        Runtime::connect(&fixture.db, &settings).await.unwrap()
    };
    let new = version(Drill::NewField).await;
    let new = new
        .queues([QueueSpec::new("weights")])
        .handle(QueueSpec::new("parcels"), WeighParcels);
    new.prepare().await.unwrap();
    publish(&local, 0..5).await;
    let sending = tokio::spawn(new.run(fixture.stop.child_token()));
    until("all parcels are weighed", async || {
        local.depth("weights") == 5
    })
    .await;
    let bodies = local.peek("weights");
    assert!(bodies.iter().all(|body| body.contains(drill::NEW_FIELD)), "{bodies:?}");

    let old = version(Drill::Off).await;
    let old = old.handle(QueueSpec::new("weights"), RecordWeights);
    let reading = tokio::spawn(old.run(fixture.stop.child_token()));
    until("all weights are recorded", async || {
        fixture.records("weighed").await.len() == 5
    })
    .await;
    fixture.stop.cancel();
    sending.await.unwrap().unwrap();
    reading.await.unwrap().unwrap();
}

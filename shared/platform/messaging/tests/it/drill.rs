//! Drills: a poison message on request.

use messaging::{Destination, Local, Message, QueueSpec, Runtime, Settings, Transport, drill};
use serde::{Deserialize, Serialize};

use crate::fixture::{Fixture, WeighParcels, publish, until};

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
    for (drills, dead_letters) in [(true, 0), (false, 1)] {
        let fixture = Fixture::new().await;
        let local = Local::new();
        let settings = Settings {
            drills,
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
        assert_eq!(poison, 1, "drills: {drills}");
        assert_eq!(local.depth("parcels-dlq"), dead_letters, "drills: {drills}");
        fixture.stop.cancel();
        let summary = running.await.unwrap().unwrap();
        assert_eq!(summary.retried > 0, drills, "{summary}");
    }
}

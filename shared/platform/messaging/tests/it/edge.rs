//! A server in trouble, and FIFO queues on a server that has them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use messaging::{
    Consumer, Destination, Fault, Health, Message, PlainHandler, Provision, Runtime, Transport,
};
use serde::{Deserialize, Serialize};
use sqs_local::Faults;
use tokio_util::sync::CancellationToken;

use crate::world::{Brought, Plainly, World, office, quick, sqs, until};

#[tokio::test]
async fn errors_throttling_and_pauses_pass() {
    let world = World::new().await;
    let (server, sqs) = sqs().await;
    let service = office(&world, sqs);
    let health = service.health();
    service.prepare().await.unwrap();
    let control = server.control();
    let running = tokio::spawn(service.run(world.stop.clone()));
    let troubles = [
        Faults {
            errors: 0.2,
            ..Default::default()
        },
        Faults {
            throttle: Some(80.0),
            ..Default::default()
        },
        Faults {
            duplicates: 0.3,
            reorder: 0.3,
            ..Default::default()
        },
    ];
    for (n, trouble) in troubles.into_iter().enumerate() {
        control.inject(trouble).unwrap();
        let first = n as i32 * 20;
        world
            .push((first..first + 20).map(|parcel| Brought { parcel }))
            .await;
        let all = first as usize + 20;
        until("all are weighed", async || {
            world.book("weighed").await.len() == all
        })
        .await;
    }
    control.inject(Faults::default()).unwrap();
    until("all is well again", async || health.is_healthy()).await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    let mut weighed = world.book("weighed").await;
    weighed.sort();
    assert_eq!(weighed, (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_service_is_unready_while_a_queue_is_missing() {
    let world = World::new().await;
    let (_server, sqs) = sqs().await;
    let sender = Runtime::new(&world.db, sqs.clone());
    let health = sender.health();
    let sending = tokio::spawn(sender.run(world.stop.clone()));
    world.push([Brought { parcel: 1 }]).await;
    until("it is noticed", async || !health.is_healthy()).await;
    assert!(
        health.problems()[0].contains("does not exist"),
        "{:?}",
        health.problems()
    );

    let transport = Transport::from(sqs);
    let reading = Health::default();
    let consumer = Consumer::plain(quick("parcels"), &transport, Plainly(|_| async { Ok(()) }));
    let consuming = tokio::spawn(consumer.health(reading.clone()).run(world.stop.clone()));
    until("it is noticed here, too", async || !reading.is_healthy()).await;

    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    until("all is well", async || {
        health.is_healthy() && world.count("outbox").await == 0
    })
    .await;
    until("it is read", async || reading.is_healthy()).await;
    world.stop.cancel();
    sending.await.unwrap().unwrap();
    assert_eq!(consuming.await.unwrap().handled, 1);
}

/// One step of many, in order.
#[derive(Serialize, Deserialize)]
struct Step {
    group: String,
    n: usize,
}

impl Message for Step {
    const KIND: &'static str = "step";

    fn destinations(&self) -> Vec<Destination> {
        vec!["steps.fifo".into()]
    }

    fn ordering_key(&self) -> Option<String> {
        Some(self.group.clone())
    }
}

/// Stumbles over the second step of group `a`, once.
#[derive(Clone, Default)]
struct Walk(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    stumbled: bool,
    steps: HashMap<String, Vec<usize>>,
    /// How far the others were when `a` stumbled over its step for the last time.
    b_when_a_went_on: usize,
}

impl PlainHandler for Walk {
    type Message = Step;
    type Output = ();

    async fn handle(&self, step: Step) -> Result<(), Fault> {
        let mut taken = self.0.lock().unwrap();
        if step.group == "a" && step.n == 1 {
            if !std::mem::replace(&mut taken.stumbled, true) {
                return Err(Fault::retry_after(Duration::from_secs(2), "stumbled"));
            }
            taken.b_when_a_went_on = taken.steps.get("b").map_or(0, Vec::len);
        }
        taken.steps.entry(step.group).or_default().push(step.n);
        Ok(())
    }
}

#[tokio::test]
async fn a_group_waits_for_its_failed_head_and_the_others_do_not() {
    let (_server, sqs) = sqs().await;
    let transport = Transport::from(sqs);
    transport
        .ensure(&quick("steps.fifo"), Provision::Create)
        .await
        .unwrap();
    for n in 0..6 {
        for group in ["a", "b"] {
            transport
                .publish(&Step {
                    group: group.into(),
                    n,
                })
                .await
                .unwrap();
        }
    }
    let walk = Walk::default();
    let consumer = Consumer::plain(quick("steps.fifo"), &transport, walk.clone());
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("all steps are taken", async || {
        let taken = walk.0.lock().unwrap();
        taken.steps.values().map(Vec::len).sum::<usize>() == 12
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    let taken = walk.0.lock().unwrap();
    for group in ["a", "b"] {
        assert_eq!(taken.steps[group], (0..6).collect::<Vec<_>>(), "{group}");
    }
    assert_eq!(taken.b_when_a_went_on, 6, "b did not wait for a");
}

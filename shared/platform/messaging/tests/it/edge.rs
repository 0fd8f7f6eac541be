//! Faults of the server, and FIFO queues.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use messaging::{
    Consumer, Destination, Fault, Health, Message, PlainHandler, Provision, Runtime, Transport,
};
use serde::{Deserialize, Serialize};
use sqs_local::Faults;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Arrived, Fixture, PlainClosure, parcel_service, quick, sqs, until};

#[tokio::test]
async fn errors_throttling_and_duplicates_lose_no_message() {
    let fixture = Fixture::new().await;
    let (server, sqs) = sqs().await;
    let service = parcel_service(&fixture, sqs);
    let health = service.health();
    service.prepare().await.unwrap();
    let control = server.control();
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    let faults = [
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
    for (n, fault) in faults.into_iter().enumerate() {
        control.inject(fault).unwrap();
        let first = n as i32 * 20;
        fixture
            .push((first..first + 20).map(|parcel| Arrived { parcel }))
            .await;
        let all = first as usize + 20;
        until("all are weighed", async || {
            fixture.records("weighed").await.len() == all
        })
        .await;
    }
    control.inject(Faults::default()).unwrap();
    until("the service is healthy again", async || health.is_healthy()).await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    let mut weighed = fixture.records("weighed").await;
    weighed.sort();
    assert_eq!(weighed, (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_service_is_unready_while_a_queue_is_missing() {
    let fixture = Fixture::new().await;
    let (_server, sqs) = sqs().await;
    let sender = Runtime::new(&fixture.db, sqs.clone());
    let health = sender.health();
    let sending = tokio::spawn(sender.run(fixture.stop.clone()));
    fixture.push([Arrived { parcel: 1 }]).await;
    until("it is noticed", async || !health.is_healthy()).await;
    assert!(
        health.problems()[0].contains("does not exist"),
        "{:?}",
        health.problems()
    );

    let transport = Transport::from(sqs);
    let reading = Health::default();
    let consumer = Consumer::plain(
        quick("parcels"),
        &transport,
        PlainClosure(|_| async { Ok(()) }),
    );
    let consuming = tokio::spawn(consumer.health(reading.clone()).run(fixture.stop.clone()));
    until("it is noticed here, too", async || !reading.is_healthy()).await;

    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    until("the service is healthy", async || {
        health.is_healthy() && fixture.count("outbox").await == 0
    })
    .await;
    until("it is read", async || reading.is_healthy()).await;
    fixture.stop.cancel();
    sending.await.unwrap().unwrap();
    assert_eq!(consuming.await.unwrap().handled, 1);
}

/// A numbered step of a group.
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

/// Fails once, for the second step of group `a`.
#[derive(Clone, Default)]
struct Walk(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    failed: bool,
    steps: HashMap<String, Vec<usize>>,
    /// The number of steps of `b` when `a` continued.
    b_when_a_continued: usize,
}

impl PlainHandler for Walk {
    type Message = Step;
    type Output = ();

    async fn handle(&self, step: Step) -> Result<(), Fault> {
        let mut taken = self.0.lock().unwrap();
        if step.group == "a" && step.n == 1 {
            if !std::mem::replace(&mut taken.failed, true) {
                return Err(Fault::retry_after(Duration::from_secs(2), "failed"));
            }
            taken.b_when_a_continued = taken.steps.get("b").map_or(0, Vec::len);
        }
        taken.steps.entry(step.group).or_default().push(step.n);
        Ok(())
    }
}

#[tokio::test]
async fn a_group_waits_for_its_failed_message_and_the_others_do_not() {
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
    assert_eq!(taken.b_when_a_continued, 6, "b did not wait for a");
}

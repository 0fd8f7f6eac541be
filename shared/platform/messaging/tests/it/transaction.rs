//! Inbox, handler and outbox in one transaction, whose effect happens once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{
    CallFault, ConsumerOptions, Fault, Handler, Local, PlainHandler, QueueCall, Runtime, Tx,
    handler_fn,
};

use crate::fixture::{Arrived, Fixture, Weighed, parcel_service, quick, record, until};

#[tokio::test]
async fn the_effect_happens_once_however_often_a_message_is_delivered() {
    let fixture = Fixture::new().await;
    // Every second send is repeated, because its answer is an error, and every third delete fails
    // at first.
    let calls = AtomicUsize::new(0);
    let local =
        Local::with_faults(
            move |call| match (call, calls.fetch_add(1, Ordering::Relaxed)) {
                (QueueCall::Send, n) if n % 2 == 0 => CallFault::Ambiguous,
                (QueueCall::Delete, n) if n % 3 == 0 => CallFault::Refused,
                _ => CallFault::None,
            },
        );
    let running = tokio::spawn(parcel_service(&fixture, local.clone()).run(fixture.stop.clone()));
    fixture.push((0..50).map(|parcel| Arrived { parcel })).await;

    until("the outbox is empty", async || {
        fixture.count("outbox").await == 0 && fixture.records("weighed").await.len() >= 50
    })
    .await;
    until("the queues are empty", async || {
        local.depth("parcels") + local.depth("weights") == 0
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    for what in ["arrived", "weighed"] {
        let mut parcels = fixture.records(what).await;
        parcels.sort();
        assert_eq!(parcels, (0..50).collect::<Vec<_>>(), "{what}");
    }
}

/// Rejects or panics for some parcels, after it has recorded them and published a message.
struct FailsLate {
    attempts: Arc<AtomicUsize>,
}

impl Handler for FailsLate {
    type Message = Arrived;

    async fn handle(&self, tx: &mut Tx, arrived: Arrived) -> Result<(), Fault> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        record(tx, "arrived", arrived.parcel).await?;
        tx.push(&Weighed {
            parcel: arrived.parcel,
        })?;
        match arrived.parcel % 5 {
            0 => Err(Fault::reject("rejected late")),
            1 => panic!("dropped it"),
            _ => Ok(()),
        }
    }
}

/// Options with a short backoff, so that tests are fast.
fn short_backoff() -> ConsumerOptions {
    let mut options = ConsumerOptions::default();
    options.backoff.limit = Duration::from_millis(20);
    options
}

#[tokio::test]
async fn a_failed_message_of_a_batch_is_rolled_back_and_the_others_are_not() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let attempts = Arc::new(AtomicUsize::new(0));
    let service = Runtime::new(&fixture.db, local.clone())
        .queues([quick("weights")])
        .handle_with(
            quick("parcels"),
            short_backoff(),
            FailsLate {
                attempts: attempts.clone(),
            },
        );
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture.push((0..30).map(|parcel| Arrived { parcel })).await;

    until("the failures are dead letters", async || {
        local.depth("parcels-dlq") == 12
    })
    .await;
    until("the others are published", async || {
        local.depth("weights") == 18
    })
    .await;
    fixture.stop.cancel();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.handled, summary.rejected), (18, 12), "{summary}");

    let mut arrived = fixture.records("arrived").await;
    arrived.sort();
    let expected: Vec<_> = (0..30).filter(|parcel| parcel % 5 > 1).collect();
    assert_eq!(arrived, expected);
    assert_eq!(
        fixture.count("inbox").await,
        18,
        "a failure leaves no id in the inbox"
    );
}

/// A third party that weighs parcels.
struct Scales {
    calls: Arc<AtomicUsize>,
}

impl PlainHandler for Scales {
    type Message = Arrived;
    type Output = i32;

    async fn handle(&self, arrived: Arrived) -> Result<i32, Fault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match arrived.parcel {
            4 => Err(Fault::reject("too heavy")),
            parcel => Ok(parcel * 10),
        }
    }
}

async fn record_weight(tx: &mut Tx, weight: i32) -> Result<(), Fault> {
    Ok(record(tx, "weight", weight).await?)
}

#[tokio::test]
async fn the_phase_before_the_transaction_passes_its_output_on() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let scales = Scales {
        calls: calls.clone(),
    };
    let service = Runtime::new(&fixture.db, local.clone())
        .handle(quick("parcels"), scales.then(handler_fn(record_weight)));
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture.push((0..6).map(|parcel| Arrived { parcel })).await;
    until("all are done", async || {
        fixture.records("weight").await.len() == 5 && local.depth("parcels-dlq") == 1
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    let mut weights = fixture.records("weight").await;
    weights.sort();
    assert_eq!(weights, [0, 10, 20, 30, 50]);
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

//! Tower layers around handlers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use messaging::{
    ConsumerOptions, Fault, Handler, HandlerCall, Local, Phase, PlainHandler, Runtime, Tx,
    handler_fn,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::util::MapRequestLayer;

use crate::fixture::{Arrived, Fixture, plain_consumer, publish, quick, record, until};
use crate::layers_shared::AtWork;

#[tokio::test(start_paused = true)]
async fn a_limit_holds_and_a_timeout_is_a_retry() {
    let local = Local::new();
    let at_work = AtWork::default();
    let working = at_work.clone();
    let consumer = plain_consumer(&local, move |parcel| {
        let working = working.clone();
        async move {
            let _working = working.begin();
            sleep(Duration::from_millis(if parcel == 7 { 5_000 } else { 20 })).await;
            match parcel {
                8 => Err(Fault::reject("it is empty")),
                _ => Ok(()),
            }
        }
    });
    let consumer = consumer
        .await
        .options(backoff(50))
        .layer(TimeoutLayer::new(Duration::from_secs(1)))
        .layer(ConcurrencyLimitLayer::new(3));
    publish(&local, 0..40).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("all are acknowledged", async || local.depth("parcels") == 0).await;
    stop.cancel();
    let summary = running.await.unwrap();
    // The timeout ends the slow one five times, and the handler rejects the empty one.
    let counts = (summary.handled, summary.retried, summary.rejected);
    assert_eq!(counts, (38, 4, 2), "{summary}");
    assert_eq!(local.depth("parcels-dlq"), 2);
    assert_eq!(at_work.now_and_max(), (0, 3));
}

/// Options with this limit of the backoff.
fn backoff(limit_ms: u64) -> ConsumerOptions {
    let mut options = ConsumerOptions::default();
    options.backoff.limit = Duration::from_millis(limit_ms);
    options
}

/// The phase and the number of messages of each call.
type Seen = Arc<Mutex<Vec<(Phase, usize)>>>;

/// A layer that records each call.
fn watching(seen: &Seen) -> MapRequestLayer<impl Fn(HandlerCall) -> HandlerCall + Clone + use<>> {
    let seen = seen.clone();
    MapRequestLayer::new(move |attempt: HandlerCall| {
        assert_eq!(attempt.queue(), "parcels");
        assert!(
            attempt
                .messages()
                .all(|m| m.kind() == Some("parcel-arrived"))
        );
        let seeing = (attempt.phase(), attempt.messages().len());
        seen.lock().unwrap().push(seeing);
        attempt
    })
}

/// Records each parcel, and then rejects parcel 3.
struct Keep;

impl Handler for Keep {
    type Message = Arrived;

    async fn handle(&self, tx: &mut Tx, arrived: Arrived) -> Result<(), Fault> {
        record(tx, "kept", arrived.parcel).await?;
        match arrived.parcel {
            3 => Err(Fault::reject("not this one")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_batch_is_one_call_and_a_failed_batch_is_one_call_per_message() {
    let fixture = Fixture::new().await;
    let (local, seen) = (Local::new(), Seen::default());
    let service = Runtime::new(&fixture.db, local.clone())
        .handle(quick("parcels"), Keep)
        .layer(watching(&seen))
        .layer(TimeoutLayer::new(Duration::from_secs(10)));
    service.prepare().await.unwrap();
    publish(&local, 0..5).await;
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("all are acknowledged", async || local.depth("parcels") == 0).await;
    fixture.stop.cancel();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.handled, summary.rejected), (4, 1), "{summary}");

    let mut kept = fixture.records("kept").await;
    kept.sort();
    assert_eq!(
        kept,
        [0, 1, 2, 4],
        "the rejection passed through the layers"
    );
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[0], (Phase::Handle, 5), "{seen:?}");
    assert_eq!(seen[1..], [(Phase::Handle, 1); 5], "{seen:?}");
}

/// Hangs for parcel 2, before the transaction.
struct HangsOnce;

impl PlainHandler for HangsOnce {
    type Message = Arrived;
    type Output = i32;

    async fn handle(&self, arrived: Arrived) -> Result<i32, Fault> {
        match arrived.parcel {
            2 => std::future::pending().await,
            parcel => Ok(parcel * 10),
        }
    }
}

async fn record_weight(tx: &mut Tx, weight: i32) -> Result<(), Fault> {
    Ok(record(tx, "weight", weight).await?)
}

#[tokio::test]
async fn both_phases_are_layered_and_the_first_ones_output_is_kept() {
    let fixture = Fixture::new().await;
    let (local, seen) = (Local::new(), Seen::default());
    let service = Runtime::new(&fixture.db, local.clone())
        .handle_with(
            quick("parcels"),
            backoff(1),
            HangsOnce.then(handler_fn(record_weight)),
        )
        .layer(TimeoutLayer::new(Duration::from_millis(200)))
        .layer(watching(&seen));
    service.prepare().await.unwrap();
    publish(&local, 1..4).await;
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("the one that hangs is given up", async || {
        local.depth("parcels") == 0 && local.depth("parcels-dlq") == 1
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    let mut weights = fixture.records("weight").await;
    weights.sort();
    assert_eq!(weights, [10, 30]);
    let seen = seen.lock().unwrap().clone();
    let before = seen
        .iter()
        .filter(|(phase, _)| *phase == Phase::Before)
        .count();
    assert_eq!(
        before,
        2 + 5,
        "one call per message, and five for the one that hangs: {seen:?}"
    );
    assert!(
        seen.iter().any(|(phase, _)| *phase == Phase::Handle),
        "{seen:?}"
    );
}

/// Panics.
struct Panics;

impl Handler for Panics {
    type Message = Arrived;

    async fn handle(&self, _: &mut Tx, _: Arrived) -> Result<(), Fault> {
        panic!("dropped it")
    }
}

#[tokio::test]
async fn a_panic_inside_of_layers_is_a_failure_of_that_message_alone() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let service = Runtime::new(&fixture.db, local.clone())
        .handle_with(quick("parcels"), backoff(1), Panics)
        .layer(ConcurrencyLimitLayer::new(1));
    service.prepare().await.unwrap();
    publish(&local, [1]).await;
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("it is given up", async || local.depth("parcels-dlq") == 1).await;
    fixture.stop.cancel();
    assert_eq!(running.await.unwrap().unwrap().rejected, 1);
}

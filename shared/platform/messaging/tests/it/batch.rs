//! Batch handlers: load once, decide each message by itself, save once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use messaging::trace::{self, TraceParent};
use messaging::{BatchHandler, Fault, Local, Runtime, Tx};

use crate::fixture::{Arrived, Fixture, Weighed, publish, quick, record, until};

/// Counts parcels in the state. For some parcels it changes the state and then fails.
#[derive(Clone, Default)]
struct CountParcels {
    loads: Arc<AtomicUsize>,
    saves: Arc<AtomicUsize>,
}

/// How often each parcel was decided.
type Counts = BTreeMap<i32, i32>;

impl BatchHandler for CountParcels {
    type Message = Arrived;
    type State = Counts;
    type Output = Weighed;

    async fn load(&self, _: &mut Tx, batch: &[Arrived]) -> Result<Counts, Fault> {
        assert!(!batch.is_empty());
        self.loads.fetch_add(1, Ordering::SeqCst);
        Ok(Counts::new())
    }

    fn decide(
        &self,
        counts: &mut Counts,
        Arrived { parcel }: Arrived,
    ) -> Result<Option<Weighed>, Fault> {
        *counts.entry(parcel).or_default() += 1;
        match parcel % 5 {
            0 => Err(Fault::reject("it was counted before it was refused")),
            1 => panic!("dropped it"),
            2 => Ok(None),
            _ => Ok(Some(Weighed { parcel })),
        }
    }

    async fn save(&self, tx: &mut Tx, counts: Counts) -> Result<(), Fault> {
        self.saves.fetch_add(1, Ordering::SeqCst);
        for (parcel, count) in counts {
            for _ in 0..count {
                record(tx, "counted", parcel).await?;
            }
        }
        Ok(())
    }
}

fn short_backoff() -> messaging::ConsumerOptions {
    let mut options = messaging::ConsumerOptions::default();
    options.backoff.limit = std::time::Duration::from_millis(1);
    options
}

#[tokio::test]
async fn a_decision_that_fails_after_it_changed_the_state_affects_no_other() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let service = Runtime::new(&fixture.db, local.clone())
        .queues([quick("weights")])
        .handle_with(quick("parcels"), short_backoff(), CountParcels::default());
    service.prepare().await.unwrap();
    publish(&local, 0..20).await;
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("all are acknowledged", async || local.depth("parcels") == 0).await;
    until("the decisions are sent", async || {
        local.depth("weights") == 8
    })
    .await;
    fixture.stop.cancel();
    let summary = running.await.unwrap().unwrap();

    assert_eq!((summary.handled, summary.rejected), (12, 8), "{summary}");
    let mut counted = fixture.records("counted").await;
    counted.sort();
    let expected: Vec<_> = (0..20).filter(|parcel| parcel % 5 > 1).collect();
    assert_eq!(counted, expected, "each once, and none of the failed");
}

#[tokio::test]
async fn a_batch_is_loaded_once_and_saved_once() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let handler = CountParcels::default();
    let service = Runtime::new(&fixture.db, local.clone())
        .queues([quick("weights")])
        .handle(quick("parcels"), handler.clone());
    service.prepare().await.unwrap();
    publish(&local, (0..10).map(|n| n * 5 + 3)).await;
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("all are handled", async || local.depth("parcels") == 0).await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    let calls = [handler.loads, handler.saves].map(|calls| calls.load(Ordering::SeqCst));
    assert_eq!(calls, [1, 1]);
}

/// Stores the trace of each message.
struct KeepTraces(Arc<Mutex<Vec<Kept>>>);

/// A parcel with the id of its trace.
type Kept = (i32, Option<u128>);

impl messaging::Handler for KeepTraces {
    type Message = Weighed;

    async fn handle(&self, _: &mut Tx, weighed: Weighed) -> Result<(), Fault> {
        let trace = trace::current().map(|trace| trace.trace_id);
        self.0.lock().unwrap().push((weighed.parcel, trace));
        Ok(())
    }
}

#[tokio::test]
async fn each_event_of_a_batch_continues_the_trace_of_its_own_message() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let kept = Arc::new(Mutex::new(vec![]));
    let service = Runtime::new(&fixture.db, local.clone())
        .handle(quick("parcels"), CountParcels::default())
        .handle(quick("weights"), KeepTraces(kept.clone()));
    let outbox = service.outbox();

    let parcels = [3, 8, 13, 18];
    let traces = parcels.map(|_| TraceParent::root(false));
    let expected = parcels.iter().zip(&traces);
    let expected: Vec<_> = expected
        .map(|(n, trace)| (*n, Some(trace.trace_id)))
        .collect();
    for (parcel, trace) in parcels.into_iter().zip(traces) {
        let mut tx = outbox.traced(trace).begin().await.unwrap();
        tx.push(&Arrived { parcel }).unwrap();
        tx.commit().await.unwrap();
    }
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("all are weighed", async || kept.lock().unwrap().len() == 4).await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    let mut kept = kept.lock().unwrap().clone();
    kept.sort();
    assert_eq!(kept, expected);
}

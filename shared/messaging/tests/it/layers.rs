//! Tower layers around the handling of messages.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use messaging::{Attempt, Fault, Handler, Local, Phase, Service, TwoPhaseHandler};
use sqlx::PgConnection;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::util::MapRequestLayer;

use crate::world::{Brought, World, bring, note, plainly, quick, until};

/// How many handlers are at work, and how many were at most.
#[derive(Clone, Default)]
struct AtWork(Arc<[AtomicUsize; 2]>);

impl AtWork {
    fn begin(self) -> Working {
        let now = self.0[0].fetch_add(1, Ordering::SeqCst) + 1;
        self.0[1].fetch_max(now, Ordering::SeqCst);
        Working(self)
    }

    fn now_and_most(&self) -> (usize, usize) {
        let read = |n: usize| self.0[n].load(Ordering::SeqCst);
        (read(0), read(1))
    }
}

/// Until it ends or is dropped.
struct Working(AtWork);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.0[0].fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_and_a_timeout_is_a_retry() {
    let local = Local::new();
    let at_work = AtWork::default();
    let working = at_work.clone();
    let consumer = plainly(&local, move |parcel| {
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
        .limits(|limits| limits.backoff.limit = Duration::from_millis(50))
        .layer(TimeoutLayer::new(Duration::from_secs(1)))
        .layer(ConcurrencyLimitLayer::new(3));
    bring(&local, 0..40).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("all are settled", async || local.depth("parcels") == 0).await;
    stop.cancel();
    let drained = running.await.unwrap();
    // The slow one five times by the timeout, and the empty one by the handler's own word.
    let counts = (drained.handled, drained.retried, drained.rejected);
    assert_eq!(counts, (38, 4, 2), "{drained}");
    assert_eq!(local.depth("parcels-dlq"), 2);
    assert_eq!(at_work.now_and_most(), (0, 3));
}

/// What a layer sees of each attempt.
type Seen = Arc<Mutex<Vec<(Phase, usize)>>>;

fn watching(seen: &Seen) -> MapRequestLayer<impl Fn(Attempt) -> Attempt + Clone + use<>> {
    let seen = seen.clone();
    MapRequestLayer::new(move |attempt: Attempt| {
        assert_eq!(attempt.queue(), "parcels");
        assert!(
            attempt
                .messages()
                .all(|m| m.kind() == Some("parcel-brought"))
        );
        let seeing = (attempt.phase(), attempt.messages().len());
        seen.lock().unwrap().push(seeing);
        attempt
    })
}

/// Writes down; parcel 3 is refused, after it was written.
struct Keep;

impl Handler for Keep {
    type Message = Brought;

    async fn handle(&self, tx: &mut PgConnection, brought: Brought) -> Result<(), Fault> {
        note(tx, "kept", brought.parcel).await?;
        match brought.parcel {
            3 => Err(Fault::reject("not this one")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_batch_is_one_attempt_and_what_failed_is_tried_one_by_one() {
    let world = World::new().await;
    let (local, seen) = (Local::new(), Seen::default());
    let service = Service::new(&world.db, local.clone())
        .layer(watching(&seen))
        .layer(TimeoutLayer::new(Duration::from_secs(10)))
        .handle(quick("parcels"), Keep);
    service.prepare().await.unwrap();
    bring(&local, 0..5).await;
    let running = tokio::spawn(service.run(world.stop.clone()));
    until("all are settled", async || local.depth("parcels") == 0).await;
    world.stop.cancel();
    let drained = running.await.unwrap().unwrap();
    assert_eq!((drained.handled, drained.rejected), (4, 1), "{drained}");

    let mut kept = world.book("kept").await;
    kept.sort();
    assert_eq!(kept, [0, 1, 2, 4], "the verdict passed through the layers");
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[0], (Phase::Handle, 5), "{seen:?}");
    assert_eq!(seen[1..], [(Phase::Handle, 1); 5], "{seen:?}");
}

/// Hangs in its first phase for parcel 2.
struct Ask;

impl TwoPhaseHandler for Ask {
    type Message = Brought;
    type Outside = i32;

    async fn before(&self, brought: &Brought) -> Result<i32, Fault> {
        match brought.parcel {
            2 => std::future::pending().await,
            parcel => Ok(parcel * 10),
        }
    }

    async fn handle(&self, tx: &mut PgConnection, _: Brought, weight: i32) -> Result<(), Fault> {
        Ok(note(tx, "weight", weight).await?)
    }
}

#[tokio::test]
async fn both_phases_are_layered_and_what_the_first_found_is_kept() {
    let world = World::new().await;
    let (local, seen) = (Local::new(), Seen::default());
    let service = Service::new(&world.db, local.clone())
        .limits(|limits| limits.backoff.limit = Duration::from_millis(1))
        .layer(TimeoutLayer::new(Duration::from_millis(200)))
        .layer(watching(&seen))
        .handle_two_phase(quick("parcels"), Ask);
    service.prepare().await.unwrap();
    bring(&local, 1..4).await;
    let running = tokio::spawn(service.run(world.stop.clone()));
    until("the one that hangs is given up", async || {
        local.depth("parcels") == 0 && local.depth("parcels-dlq") == 1
    })
    .await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    let mut weights = world.book("weight").await;
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
        "each by itself, and the one that hangs five times: {seen:?}"
    );
    assert!(
        seen.iter().any(|(phase, _)| *phase == Phase::Handle),
        "{seen:?}"
    );
}

/// Panics, as a handler may.
struct Fumble;

impl Handler for Fumble {
    type Message = Brought;

    async fn handle(&self, _: &mut PgConnection, _: Brought) -> Result<(), Fault> {
        panic!("dropped it")
    }
}

#[tokio::test]
async fn a_panic_inside_of_layers_is_a_failure_of_that_message_alone() {
    let world = World::new().await;
    let local = Local::new();
    let service = Service::new(&world.db, local.clone())
        .limits(|limits| limits.backoff.limit = Duration::from_millis(1))
        .layer(ConcurrencyLimitLayer::new(1))
        .handle(quick("parcels"), Fumble);
    service.prepare().await.unwrap();
    bring(&local, [1]).await;
    let running = tokio::spawn(service.run(world.stop.clone()));
    until("it is given up", async || local.depth("parcels-dlq") == 1).await;
    world.stop.cancel();
    assert_eq!(running.await.unwrap().unwrap().rejected, 1);
}

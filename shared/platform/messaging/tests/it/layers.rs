//! Tower layers around the handling of messages.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use messaging::{
    ConsumerOptions, Fault, Handler, HandlerCall, Local, Phase, PlainHandler, Runtime, Transport,
    Tx, handler_fn, plain_fn,
};
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
        .options(backoff(50))
        .layer(TimeoutLayer::new(Duration::from_secs(1)))
        .layer(ConcurrencyLimitLayer::new(3));
    bring(&local, 0..40).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("all are settled", async || local.depth("parcels") == 0).await;
    stop.cancel();
    let summary = running.await.unwrap();
    // The slow one five times by the timeout, and the empty one by the handler's own word.
    let counts = (summary.handled, summary.retried, summary.rejected);
    assert_eq!(counts, (38, 4, 2), "{summary}");
    assert_eq!(local.depth("parcels-dlq"), 2);
    assert_eq!(at_work.now_and_most(), (0, 3));
}

/// So that no test waits for long.
fn backoff(limit_ms: u64) -> ConsumerOptions {
    let mut options = ConsumerOptions::default();
    options.backoff.limit = Duration::from_millis(limit_ms);
    options
}

/// What a layer sees of each attempt.
type Seen = Arc<Mutex<Vec<(Phase, usize)>>>;

fn watching(seen: &Seen) -> MapRequestLayer<impl Fn(HandlerCall) -> HandlerCall + Clone + use<>> {
    let seen = seen.clone();
    MapRequestLayer::new(move |attempt: HandlerCall| {
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

    async fn handle(&self, tx: &mut Tx, brought: Brought) -> Result<(), Fault> {
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
    let service = Runtime::new(&world.db, local.clone())
        .handle(quick("parcels"), Keep)
        .layer(watching(&seen))
        .layer(TimeoutLayer::new(Duration::from_secs(10)));
    service.prepare().await.unwrap();
    bring(&local, 0..5).await;
    let running = tokio::spawn(service.run(world.stop.clone()));
    until("all are settled", async || local.depth("parcels") == 0).await;
    world.stop.cancel();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.handled, summary.rejected), (4, 1), "{summary}");

    let mut kept = world.book("kept").await;
    kept.sort();
    assert_eq!(kept, [0, 1, 2, 4], "the verdict passed through the layers");
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[0], (Phase::Handle, 5), "{seen:?}");
    assert_eq!(seen[1..], [(Phase::Handle, 1); 5], "{seen:?}");
}

/// Hangs in its first phase for parcel 2.
struct Ask;

impl PlainHandler for Ask {
    type Message = Brought;
    type Output = i32;

    async fn handle(&self, brought: Brought) -> Result<i32, Fault> {
        match brought.parcel {
            2 => std::future::pending().await,
            parcel => Ok(parcel * 10),
        }
    }
}

async fn note_weight(tx: &mut Tx, weight: i32) -> Result<(), Fault> {
    Ok(note(tx, "weight", weight).await?)
}

#[tokio::test]
async fn both_phases_are_layered_and_what_the_first_found_is_kept() {
    let world = World::new().await;
    let (local, seen) = (Local::new(), Seen::default());
    let service = Runtime::new(&world.db, local.clone())
        .handle_with(
            quick("parcels"),
            backoff(1),
            Ask.then(handler_fn(note_weight)),
        )
        .layer(TimeoutLayer::new(Duration::from_millis(200)))
        .layer(watching(&seen));
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

    async fn handle(&self, _: &mut Tx, _: Brought) -> Result<(), Fault> {
        panic!("dropped it")
    }
}

#[tokio::test]
async fn a_panic_inside_of_layers_is_a_failure_of_that_message_alone() {
    let world = World::new().await;
    let local = Local::new();
    let service = Runtime::new(&world.db, local.clone())
        .handle_with(quick("parcels"), backoff(1), Fumble)
        .layer(ConcurrencyLimitLayer::new(1));
    service.prepare().await.unwrap();
    bring(&local, [1]).await;
    let running = tokio::spawn(service.run(world.stop.clone()));
    until("it is given up", async || local.depth("parcels-dlq") == 1).await;
    world.stop.cancel();
    assert_eq!(running.await.unwrap().unwrap().rejected, 1);
}

#[tokio::test]
async fn a_layer_is_around_the_handlers_that_were_added_before_it_and_is_shared() {
    let world = World::new().await;
    let (local, seen) = (Local::new(), Arc::new(Mutex::new(vec![])));
    let calls = seen.clone();
    let naming = MapRequestLayer::new(move |call: HandlerCall| {
        calls.lock().unwrap().push(call.queue().to_owned());
        call
    });
    let at_work = AtWork::default();
    let handler = |at_work: &AtWork| {
        let at_work = at_work.clone();
        plain_fn(move |_: Brought| {
            let at_work = at_work.clone();
            async move {
                let _working = at_work.begin();
                sleep(Duration::from_millis(5)).await;
                Ok(())
            }
        })
    };
    let service = Runtime::new(&world.db, local.clone())
        .handle(quick("parcels"), handler(&at_work))
        .handle(quick("weights"), handler(&at_work))
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(naming)
        .handle(quick("later"), handler(&AtWork::default()));
    service.prepare().await.unwrap();
    let transport = Transport::from(local.clone());
    for queue in ["parcels", "weights", "later"] {
        for _ in 0..3 {
            transport.publish(&To(queue.into())).await.unwrap();
        }
    }
    let running = tokio::spawn(service.run(world.stop.clone()));
    until("all are handled", async || {
        ["parcels", "weights", "later"]
            .iter()
            .all(|queue| local.depth(queue) == 0)
    })
    .await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(seen, [["parcels"; 3], ["weights"; 3]].concat());
    assert_eq!(at_work.now_and_most(), (0, 1), "one limit for both queues");
}

/// A parcel for any queue.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(into = "Brought", from = "Brought")]
struct To(String);

impl From<To> for Brought {
    fn from(_: To) -> Brought {
        Brought { parcel: 1 }
    }
}

impl From<Brought> for To {
    fn from(_: Brought) -> To {
        To("parcels".into())
    }
}

impl messaging::Message for To {
    const KIND: &'static str = "parcel-brought";

    fn destinations(&self) -> Vec<messaging::Destination> {
        vec![messaging::Destination::queue(self.0.clone())]
    }
}

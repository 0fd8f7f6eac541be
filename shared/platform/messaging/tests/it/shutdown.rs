//! Ending: at any instant, in time, and with nothing stranded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{
    Consumer, ConsumerOptions, Fault, Handler, Local, PlainHandler as _, Provision, Runtime,
    ShutdownSummary, Transport, Tx, plain_fn,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::wire::{Trouble, Wire};
use crate::world::{Brought, Plainly, World, bring, plainly, quick, until};

const PARCELS: usize = 60;

#[tokio::test(start_paused = true)]
async fn stopping_at_any_instant_strands_nothing() {
    for instant in 0..150 {
        let instant = Duration::from_millis(instant);
        let local = Local::new();
        let done = Arc::new(AtomicUsize::new(0));
        let counted = done.clone();
        let work = move |parcel: i32| {
            let done = counted.clone();
            async move {
                sleep(Duration::from_millis(5 + parcel as u64 % 20)).await;
                done.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        };
        let first = plainly(&local, work.clone())
            .await
            .options(ConsumerOptions {
                in_flight: 17,
                ..ConsumerOptions::default()
            });
        bring(&local, 0..PARCELS as i32).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(first.run(stop.clone()));
        sleep(instant).await;
        stop.cancel();
        let summary = running.await.unwrap();
        assert_eq!(summary.lost, 0, "{summary} at {instant:?}");
        let left = PARCELS - summary.handled as usize;
        assert_eq!(local.depth("parcels"), left, "{summary} at {instant:?}");

        // Whatever is left can be received at once, and not after a visibility timeout.
        let since = Instant::now();
        let second = plainly(&local, work).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(second.run(stop.clone()));
        until("the rest is done", async || local.depth("parcels") == 0).await;
        assert!(
            since.elapsed() < Duration::from_secs(1),
            "stranded at {instant:?}"
        );
        stop.cancel();
        running.await.unwrap();
        assert_eq!(
            done.load(Ordering::SeqCst),
            PARCELS,
            "each once, at {instant:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_handler_holds_up_nobody_and_no_deadline() {
    let local = Local::new();
    let consumer = plainly(&local, |parcel| async move {
        if parcel == 3 {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    let consumer = consumer.await;
    bring(&local, 0..30).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("the others are done", async || local.depth("parcels") == 1).await;

    let since = Instant::now();
    stop.cancel();
    let summary = running.await.unwrap();
    assert!(
        since.elapsed() <= Duration::from_secs(30),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(
        (summary.handled, summary.returned, summary.lost),
        (29, 1, 0),
        "{summary}"
    );
}

/// Holds up its transactions until it may go on.
struct Gate {
    begun: Arc<AtomicUsize>,
    open: CancellationToken,
}

impl Handler for Gate {
    type Message = ();

    async fn handle(&self, _: &mut Tx, (): ()) -> Result<(), Fault> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.open.cancelled().await;
        Ok(())
    }
}

#[tokio::test]
async fn what_was_found_out_before_a_stop_is_not_thrown_away() {
    let world = World::new().await;
    let local = Local::new();
    let gate = Gate {
        begun: Arc::default(),
        open: CancellationToken::new(),
    };
    let (asked, begun, open) = (
        Arc::<AtomicUsize>::default(),
        gate.begun.clone(),
        gate.open.clone(),
    );
    let counted = asked.clone();
    let ask = plain_fn(move |_: Brought| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    });
    let service = Runtime::new(&world.db, local.clone()).handle(quick("parcels"), ask.then(gate));
    service.prepare().await.unwrap();
    let running = tokio::spawn(service.run(world.stop.clone()));
    bring(&local, [1]).await;
    until("one holds the lane", async || {
        begun.load(Ordering::SeqCst) == 1
    })
    .await;
    bring(&local, [2, 3]).await;
    until("all have asked", async || asked.load(Ordering::SeqCst) == 3).await;
    world.stop.cancel();
    open.cancel();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.handled, summary.returned), (3, 0), "{summary}");
}

#[tokio::test(start_paused = true)]
async fn each_message_is_counted_once_and_by_what_became_of_it() {
    let wire = Wire::new().await;
    let transport = Transport::from(wire.sqs());
    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    let line = wire.clone();
    let handler = Plainly(move |parcel| {
        line.trouble(Trouble::Hang);
        async move {
            match parcel {
                0 => Ok(()),
                1 => Err(Fault::reject("not a parcel")),
                2 => Err(Fault::retry("the scales are broken")),
                _ => std::future::pending().await,
            }
        }
    });
    let parcels: Vec<_> = (0..4).map(|parcel| Brought { parcel }).collect();
    transport.publish_all(&parcels).await.unwrap();
    let consumer = Consumer::plain(quick("parcels"), &transport, handler);
    let consumer = consumer.shutdown_timeout(Duration::from_secs(2));
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("a settlement hangs", async || {
        wire.calls("DeleteMessageBatch") > 0
    })
    .await;
    stop.cancel();
    let summary = running.await.unwrap();
    let nothing = ShutdownSummary {
        lost: 4,
        ..ShutdownSummary::default()
    };
    assert_eq!(summary, nothing, "nothing was settled: {summary}");
}

//! Shutdown: at any instant, in time, and without stranded messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{
    Consumer, ConsumerOptions, Fault, Handler, Local, PlainHandler as _, Provision, Runtime,
    ShutdownSummary, Transport, Tx, plain_fn,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::faulty_proxy::{FaultyProxy, ProxyFault};
use crate::fixture::{Arrived, Fixture, PlainClosure, plain_consumer, publish, quick, until};

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
        let first = plain_consumer(&local, work.clone())
            .await
            .options(ConsumerOptions {
                in_flight: 17,
                ..ConsumerOptions::default()
            });
        publish(&local, 0..PARCELS as i32).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(first.run(stop.clone()));
        sleep(instant).await;
        stop.cancel();
        let summary = running.await.unwrap();
        assert_eq!(summary.lost, 0, "{summary} at {instant:?}");
        let left = PARCELS - summary.handled as usize;
        assert_eq!(local.depth("parcels"), left, "{summary} at {instant:?}");

        // The rest can be received at once, and not only after the visibility timeout.
        let since = Instant::now();
        let second = plain_consumer(&local, work).await;
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
async fn a_stuck_handler_delays_no_other_message_and_no_deadline() {
    let local = Local::new();
    let consumer = plain_consumer(&local, |parcel| async move {
        if parcel == 3 {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    let consumer = consumer.await;
    publish(&local, 0..30).await;
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

/// Blocks its transactions until it is opened.
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
async fn a_message_that_was_prepared_before_a_shutdown_is_completed() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    let gate = Gate {
        begun: Arc::default(),
        open: CancellationToken::new(),
    };
    let (calls, begun, open) = (
        Arc::<AtomicUsize>::default(),
        gate.begun.clone(),
        gate.open.clone(),
    );
    let counted = calls.clone();
    let call = plain_fn(move |_: Arrived| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    });
    let service =
        Runtime::new(&fixture.db, local.clone()).handle(quick("parcels"), call.then(gate));
    service.prepare().await.unwrap();
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    publish(&local, [1]).await;
    until("one is in its transaction", async || {
        begun.load(Ordering::SeqCst) == 1
    })
    .await;
    publish(&local, [2, 3]).await;
    until("all are prepared", async || {
        calls.load(Ordering::SeqCst) == 3
    })
    .await;
    fixture.stop.cancel();
    open.cancel();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.handled, summary.returned), (3, 0), "{summary}");
}

#[tokio::test(start_paused = true)]
async fn each_message_is_counted_once_by_its_outcome() {
    let proxy = FaultyProxy::new().await;
    let transport = Transport::from(proxy.sqs());
    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    let faults = proxy.clone();
    let handler = PlainClosure(move |parcel| {
        faults.inject(ProxyFault::Hang);
        async move {
            match parcel {
                0 => Ok(()),
                1 => Err(Fault::reject("not a parcel")),
                2 => Err(Fault::retry("the scales are broken")),
                _ => std::future::pending().await,
            }
        }
    });
    let parcels: Vec<_> = (0..4).map(|parcel| Arrived { parcel }).collect();
    transport.publish_all(&parcels).await.unwrap();
    let consumer = Consumer::plain(quick("parcels"), &transport, handler);
    let consumer = consumer.shutdown_timeout(Duration::from_secs(2));
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("an acknowledgement hangs", async || {
        proxy.calls("DeleteMessageBatch") > 0
    })
    .await;
    stop.cancel();
    let summary = running.await.unwrap();
    let expected = ShutdownSummary {
        lost: 4,
        ..ShutdownSummary::default()
    };
    assert_eq!(summary, expected, "no message was acknowledged: {summary}");
}

//! Heartbeats: a lease lasts as long as the handler works, and no longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{
    CallFault, Consumer, ConsumerOptions, Fault, Local, Provision, QueueCall, QueueSpec, Transport,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::faulty_proxy::{FaultyProxy, ProxyFault};
use crate::fixture::{Arrived, PlainClosure, plain_consumer, publish, until};

/// Counts how often a handler began and ended.
#[derive(Clone, Default)]
struct Count(Arc<(AtomicUsize, AtomicUsize)>);

impl Count {
    async fn work(self, time: Duration) -> Result<(), messaging::Fault> {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        sleep(time).await;
        self.0.1.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn begun_and_ended(&self) -> (usize, usize) {
        (
            self.0.0.load(Ordering::SeqCst),
            self.0.1.load(Ordering::SeqCst),
        )
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_handler_keeps_its_message() {
    let (local, count) = (Local::new(), Count::default());
    let counted = count.clone();
    // Three hundred times the visibility timeout.
    let work = move |_| counted.clone().work(Duration::from_secs(600));
    let consumer = plain_consumer(&local, work).await;
    publish(&local, 0..15).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("all are done", async || local.depth("parcels") == 0).await;
    stop.cancel();
    assert_eq!(running.await.unwrap().handled, 15);
    assert_eq!(count.begun_and_ended(), (15, 15));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_that_fail_for_a_while_lose_nothing() {
    let beats = Arc::new(AtomicUsize::new(0));
    let local = Local::with_faults(move |call| match call {
        QueueCall::ChangeVisibility if beats.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) => {
            CallFault::Refused
        }
        _ => CallFault::None,
    });
    let count = Count::default();
    let counted = count.clone();
    let work = move |_| counted.clone().work(Duration::from_secs(60));
    let consumer = plain_consumer(&local, work).await;
    publish(&local, [1]).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("it is done", async || local.depth("parcels") == 0).await;
    stop.cancel();
    assert_eq!(running.await.unwrap().lost, 0);
    assert_eq!(count.begun_and_ended(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_cancels_the_handler_and_deletes_nothing() {
    let local = Local::with_faults(|call| match call {
        QueueCall::ChangeVisibility => CallFault::Stale,
        _ => CallFault::None,
    });
    let count = Count::default();
    let counted = count.clone();
    let work = move |_| counted.clone().work(Duration::from_secs(60));
    let consumer = plain_consumer(&local, work).await;
    publish(&local, [1]).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    // No handler ends, so the message is delivered until SQS moves it, after 50 receives.
    until("it is a dead letter", async || {
        local.depth("parcels-dlq") == 1
    })
    .await;
    stop.cancel();
    let summary = running.await.unwrap();
    assert_eq!((summary.handled, summary.lost), (0, 50), "{summary}");
    assert_eq!(count.begun_and_ended(), (50, 0));
}

#[tokio::test(start_paused = true)]
async fn a_handler_over_the_longest_lease_is_cancelled() {
    let (local, count) = (Local::new(), Count::default());
    let counted = count.clone();
    let work = move |_| counted.clone().work(Duration::from_secs(60));
    let consumer = plain_consumer(&local, work).await;
    let consumer = consumer.options(ConsumerOptions {
        max_visibility_extension: Duration::from_secs(10),
        ..ConsumerOptions::default()
    });
    publish(&local, [1]).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("it is a dead letter", async || {
        local.depth("parcels-dlq") == 1
    })
    .await;
    stop.cancel();
    assert_eq!(running.await.unwrap().lost, 50);
    assert_eq!(count.begun_and_ended(), (50, 0));
}

/// The ends of a handler.
const ENDS: [&str; 6] = ["done", "retry", "reject", "panic", "lost", "stopped"];

#[tokio::test(start_paused = true)]
async fn every_end_of_a_handler_stops_the_heartbeat() {
    for way in ENDS {
        let (beats, lose) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (beaten, losing) = (beats.clone(), lose.clone());
        let local = Local::with_faults(move |call| match call {
            QueueCall::ChangeVisibility if losing.load(Ordering::SeqCst) > 0 => {
                beaten.fetch_add(1, Ordering::SeqCst);
                CallFault::Stale
            }
            QueueCall::ChangeVisibility => {
                beaten.fetch_add(1, Ordering::SeqCst);
                CallFault::None
            }
            _ => CallFault::None,
        });
        let consumer = plain_consumer(&local, move |_| async move {
            // Long enough for several beats.
            sleep(Duration::from_secs(5)).await;
            match way {
                "done" => Ok(()),
                "retry" => Err(Fault::retry_after(
                    Duration::from_secs(6 * 60 * 60),
                    "later",
                )),
                "reject" => Err(Fault::reject("never")),
                "panic" => panic!("dropped it"),
                _ => std::future::pending().await,
            }
        });
        let mut options = ConsumerOptions::default();
        options.backoff.first = Duration::from_secs(6 * 60 * 60);
        options.backoff.limit = options.backoff.first;
        let consumer = consumer.await.options(options);
        let consumer = consumer.shutdown_timeout(Duration::from_secs(10));
        publish(&local, [1]).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(consumer.run(stop.clone()));
        sleep(Duration::from_millis(4_900)).await;
        assert!(
            beats.load(Ordering::SeqCst) >= 4,
            "{way}: it beats while there is work"
        );
        match way {
            "lost" => lose.store(1, Ordering::SeqCst),
            "stopped" => stop.cancel(),
            _ => {}
        }
        // The shutdown and 50 receives are over by now.
        sleep(Duration::from_secs(120)).await;
        let ended = beats.load(Ordering::SeqCst);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(beats.load(Ordering::SeqCst), ended, "{way}: it beats on");
        stop.cancel();
        let summary = running.await.unwrap();
        let counts = (
            summary.handled,
            summary.retried,
            summary.rejected,
            summary.returned,
        );
        match way {
            "done" => assert_eq!(counts, (1, 0, 0, 0), "{way}"),
            "retry" | "panic" => assert_eq!(counts, (0, 1, 0, 0), "{way}"),
            "reject" => assert_eq!(counts, (0, 0, 1, 0), "{way}"),
            "stopped" => assert_eq!(counts, (0, 0, 0, 1), "{way}"),
            _ => assert!(
                summary.lost >= 1 && summary.handled == 0,
                "{way}: {summary}"
            ),
        }
    }
}

/// Records how long a handler has worked when it is dropped.
struct Dropped(
    tokio::time::Instant,
    Arc<std::sync::Mutex<Option<Duration>>>,
);

impl Drop for Dropped {
    fn drop(&mut self) {
        *self.1.lock().unwrap() = Some(self.0.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_ends_in_time_though_its_extension_hangs() {
    let proxy = FaultyProxy::new().await;
    let transport = Transport::from(proxy.sqs());
    let parcels = QueueSpec {
        visibility_timeout: Duration::from_secs(8),
        ..QueueSpec::new("parcels")
    };
    transport.ensure(&parcels, Provision::Create).await.unwrap();
    transport.publish(&Arrived { parcel: 1 }).await.unwrap();
    let held = Arc::new(std::sync::Mutex::new(None));
    let (recorded, faults) = (held.clone(), proxy.clone());
    let handler = PlainClosure(move |_| {
        faults.inject(ProxyFault::Hang);
        let dropped = Dropped(tokio::time::Instant::now(), recorded.clone());
        async move {
            let _dropped = dropped;
            std::future::pending().await
        }
    });
    let stop = CancellationToken::new();
    let running = tokio::spawn(Consumer::plain(parcels, &transport, handler).run(stop.clone()));
    until("the handler is cancelled", async || {
        held.lock().unwrap().is_some()
    })
    .await;
    let held = held.lock().unwrap().unwrap();
    assert!(
        held <= Duration::from_secs(10),
        "another process may have had it for long: {held:?}"
    );
    stop.cancel();
    running.await.unwrap();
}

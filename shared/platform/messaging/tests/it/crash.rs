//! Crashes at every point of a process, after which another one continues.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use messaging::{CallFault, Local, Runtime};
use tokio_util::sync::CancellationToken;

use crate::fixture::{Arrived, Fixture, parcel_service, quick, until};

const PARCELS: i32 = 12;

/// Polls `work` this many times and then drops it, as a crash would: its connections close and its
/// transaction is rolled back. Returns whether it had ended.
async fn crash_after<F: Future>(polls: usize, work: F) -> bool {
    let mut work = pin!(work);
    let mut count = 0;
    std::future::poll_fn(|context| {
        count += 1;
        if count > polls {
            return Poll::Ready(false);
        }
        work.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test]
async fn a_relay_that_crashes_at_any_point_loses_nothing() {
    let fixture = Fixture::new().await;
    let mut points = BTreeSet::new();
    // The number of points depends on timing, so the search is repeated if it found few.
    for _ in 0..10 {
        for polls in 0.. {
            if crashes_after(polls, &fixture).await {
                points.insert(polls);
            } else {
                break;
            }
        }
        if points.len() > 3 {
            return;
        }
    }
    panic!("it crashed only at {points:?}");
}

/// Whether the relay crashed before everything was sent. In both cases another one sends the rest.
async fn crashes_after(polls: usize, fixture: &Fixture) -> bool {
    let local = Local::new();
    fixture
        .push((0..PARCELS).map(|parcel| Arrived { parcel }))
        .await;
    let stop = CancellationToken::new();
    let service = Runtime::new(&fixture.db, local.clone()).queues([quick("parcels")]);
    service.prepare().await.unwrap();
    let relay = service.relay();
    // It ends by itself as soon as everything is sent.
    let work = async {
        let emptied = until("all are sent", async || fixture.count("outbox").await == 0);
        tokio::join!(relay.run(stop.clone()), async {
            emptied.await;
            stop.cancel();
        })
    };
    let ended = crash_after(polls, work).await;

    // The next process continues.
    let stop = CancellationToken::new();
    let service = Runtime::new(&fixture.db, local.clone()).queues([quick("parcels")]);
    let running = tokio::spawn(service.run(stop.clone()));
    until("the rest is sent", async || {
        fixture.count("outbox").await == 0
    })
    .await;
    stop.cancel();
    running.await.unwrap().unwrap();
    let mut sent = local.peek("parcels");
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), PARCELS as usize, "after {polls} polls");
    !ended
}

#[test]
fn a_service_that_crashes_at_any_call_has_every_effect_once() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let keeper = runtime();
    for call in 1.. {
        let fixture = keeper.block_on(Fixture::new());
        let count = Arc::new(AtomicUsize::new(0));
        let crash = CancellationToken::new();
        let (counted, dying) = (count.clone(), crash.clone());
        let local = Local::with_faults(move |_| {
            if counted.fetch_add(1, Ordering::SeqCst) + 1 == call {
                // Half of the crashes come before the call is done, half after.
                dying.cancel();
                return if call % 2 == 0 {
                    CallFault::Refused
                } else {
                    CallFault::Ambiguous
                };
            }
            CallFault::None
        });
        keeper.block_on(fixture.push((0..3).map(|parcel| Arrived { parcel })));

        // The first process has its own connections, which close with it.
        let mortal = runtime();
        let ended = mortal.block_on(async {
            let fixture = fixture.with(fixture.connect().await);
            let running = parcel_service(&fixture, local.clone()).run(CancellationToken::new());
            tokio::select! {
                _ = running => unreachable!("it is never stopped"),
                () = crash.cancelled() => false,
                () = done(&fixture, &local) => true,
            }
        });
        mortal.shutdown_background();
        keeper.block_on(fixture.end_leases());

        let summary = keeper.block_on(async {
            let stop = CancellationToken::new();
            let running = tokio::spawn(parcel_service(&fixture, local.clone()).run(stop.clone()));
            done(&fixture, &local).await;
            stop.cancel();
            running.await.unwrap().unwrap()
        });
        keeper.block_on(async {
            for what in ["arrived", "weighed"] {
                let mut parcels = fixture.records(what).await;
                parcels.sort();
                assert_eq!(
                    parcels,
                    [0, 1, 2],
                    "{what}, crashed at call {call}: {summary}"
                );
            }
        });
        if ended {
            assert!(call > 6, "it was crashed at {call} calls");
            return;
        }
    }
}

async fn done(fixture: &Fixture, local: &Local) {
    until("everything is done", async || {
        let queued = local.depth("parcels") + local.depth("weights");
        queued == 0
            && fixture.count("outbox").await == 0
            && fixture.records("weighed").await.len() >= 3
    })
    .await;
}

//! The process dies, at every point there is; another one carries on.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use messaging::{CallFault, Local, Runtime};
use tokio_util::sync::CancellationToken;

use crate::world::{Brought, World, office, quick, until};

const PARCELS: i32 = 12;

/// Polls `work` so many times and then drops it where it stands, as a crash would: its connections
/// close and its transaction is rolled back. Returns whether it had ended.
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
async fn a_relay_that_dies_at_any_point_loses_nothing() {
    let world = World::new().await;
    let mut points = BTreeSet::new();
    // How many points there are is a matter of timing, so a way that was short is gone again.
    for _ in 0..10 {
        for polls in 0.. {
            if dies_after(polls, &world).await {
                points.insert(polls);
            } else {
                break;
            }
        }
        if points.len() > 3 {
            return;
        }
    }
    panic!("it was crashed at {points:?} alone");
}

/// Whether the relay died before everything was sent. Either way, another sends the rest.
async fn dies_after(polls: usize, world: &World) -> bool {
    let local = Local::new();
    world
        .push((0..PARCELS).map(|parcel| Brought { parcel }))
        .await;
    let stop = CancellationToken::new();
    let service = Runtime::new(&world.db, local.clone()).queues([quick("parcels")]);
    service.prepare().await.unwrap();
    let relay = service.relay();
    // It ends by itself as soon as everything is sent.
    let work = async {
        let emptied = until("all are sent", async || world.count("outbox").await == 0);
        tokio::join!(relay.run(stop.clone()), async {
            emptied.await;
            stop.cancel();
        })
    };
    let ended = crash_after(polls, work).await;

    // The next process begins where this one left off.
    let stop = CancellationToken::new();
    let service = Runtime::new(&world.db, local.clone()).queues([quick("parcels")]);
    let running = tokio::spawn(service.run(stop.clone()));
    until("the rest is sent", async || {
        world.count("outbox").await == 0
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
fn a_service_that_dies_at_any_call_has_every_effect_once() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let keeper = runtime();
    for call in 1.. {
        let world = keeper.block_on(World::new());
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
        keeper.block_on(world.push((0..3).map(|parcel| Brought { parcel })));

        // The first process has connections of its own, which die with it.
        let mortal = runtime();
        let ended = mortal.block_on(async {
            let world = world.with(world.connect().await);
            let running = office(&world, local.clone()).run(CancellationToken::new());
            tokio::select! {
                _ = running => unreachable!("nobody stops it"),
                () = crash.cancelled() => false,
                () = done(&world, &local) => true,
            }
        });
        mortal.shutdown_background();
        keeper.block_on(world.end_leases());

        let summary = keeper.block_on(async {
            let stop = CancellationToken::new();
            let running = tokio::spawn(office(&world, local.clone()).run(stop.clone()));
            done(&world, &local).await;
            stop.cancel();
            running.await.unwrap().unwrap()
        });
        keeper.block_on(async {
            for what in ["brought", "weighed"] {
                let mut parcels = world.book(what).await;
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

async fn done(world: &World, local: &Local) {
    until("everything is done", async || {
        let queued = local.depth("parcels") + local.depth("weights");
        queued == 0 && world.count("outbox").await == 0 && world.book("weighed").await.len() >= 3
    })
    .await;
}

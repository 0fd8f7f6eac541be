//! Inbox, work and outbox: one transaction, whose effect happens once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use messaging::{Call, Fault, Handler, Local, Mishap, Service, TwoPhaseHandler, outbox};
use sqlx::{Connection, PgConnection};

use crate::world::{Brought, Weighed, World, note, office, quick, until};

#[tokio::test]
async fn the_effect_happens_once_however_often_a_message_comes() {
    let world = World::new().await;
    // Every other message is sent twice, as the sender is told that the first did not get through,
    // and every third is not deleted at first.
    let calls = AtomicUsize::new(0);
    let local =
        Local::misbehaving(
            move |call| match (call, calls.fetch_add(1, Ordering::Relaxed)) {
                (Call::Send, n) if n % 2 == 0 => Mishap::Ambiguous,
                (Call::Delete, n) if n % 3 == 0 => Mishap::Refused,
                _ => Mishap::None,
            },
        );
    let running = tokio::spawn(office(&world, local.clone()).run(world.stop.clone()));
    world.push((0..50).map(|parcel| Brought { parcel })).await;

    until("the outbox is empty", async || {
        world.count("outbox").await == 0 && world.book("weighed").await.len() >= 50
    })
    .await;
    until("the queues are empty", async || {
        local.depth("parcels") + local.depth("weights") == 0
    })
    .await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    for what in ["brought", "weighed"] {
        let mut parcels = world.book(what).await;
        parcels.sort();
        assert_eq!(parcels, (0..50).collect::<Vec<_>>(), "{what}");
    }
}

/// Fails for every fifth parcel, after it wrote it down and told of it.
struct Clumsy {
    attempts: Arc<AtomicUsize>,
}

impl Handler for Clumsy {
    type Message = Brought;

    async fn handle(&self, tx: &mut PgConnection, brought: Brought) -> Result<(), Fault> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        note(tx, "brought", brought.parcel).await?;
        outbox::push(
            tx,
            &Weighed {
                parcel: brought.parcel,
            },
        )
        .await?;
        match brought.parcel % 5 {
            0 => Err(Fault::reject("too clumsy")),
            1 => panic!("dropped it"),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_failure_in_a_batch_is_rolled_back_and_its_neighbours_are_not() {
    let world = World::new().await;
    let local = Local::new();
    let attempts = Arc::new(AtomicUsize::new(0));
    let service = Service::new(&world.db, local.clone())
        .queues([quick("weights")])
        // So that nobody waits for the backoff of the panics.
        .limits(|limits| limits.backoff.limit = Duration::from_millis(20))
        .handle(
            quick("parcels"),
            Clumsy {
                attempts: attempts.clone(),
            },
        );
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push((0..30).map(|parcel| Brought { parcel })).await;

    until("the failures are dead", async || {
        local.depth("parcels-dlq") == 12
    })
    .await;
    until("the others are told of", async || {
        local.depth("weights") == 18
    })
    .await;
    world.stop.cancel();
    let drained = running.await.unwrap().unwrap();
    assert_eq!((drained.handled, drained.rejected), (18, 12), "{drained}");

    let mut brought = world.book("brought").await;
    brought.sort();
    let sound: Vec<_> = (0..30).filter(|parcel| parcel % 5 > 1).collect();
    assert_eq!(brought, sound);
    assert_eq!(world.count("inbox").await, 18, "a failure leaves no mark");
}

/// Pushes in a savepoint that it rolls back, and in one that it keeps.
struct Undecided;

impl Handler for Undecided {
    type Message = Brought;

    async fn handle(&self, tx: &mut PgConnection, brought: Brought) -> Result<(), Fault> {
        let mut savepoint = tx.begin().await?;
        outbox::push(&mut savepoint, &Weighed { parcel: -1 }).await?;
        savepoint.rollback().await?;
        let mut savepoint = tx.begin().await?;
        outbox::push(
            &mut savepoint,
            &Weighed {
                parcel: brought.parcel,
            },
        )
        .await?;
        savepoint.commit().await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_savepoint_takes_what_was_pushed_in_it_back() {
    let world = World::new().await;
    let local = Local::new();
    let service = Service::new(&world.db, local.clone())
        .queues([quick("weights")])
        .handle(quick("parcels"), Undecided);
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push([Brought { parcel: 7 }]).await;
    until("it is told", async || local.depth("weights") > 0).await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(local.peek("weights"), [r#"{"parcel":7}"#]);
}

/// Tells of each parcel in a transaction of its own: it keeps those that are even.
struct Independent(sqlx::PgPool);

impl Handler for Independent {
    type Message = Brought;

    async fn handle(&self, _: &mut PgConnection, brought: Brought) -> Result<(), Fault> {
        let mut own = self.0.begin().await?;
        let Brought { parcel } = brought;
        outbox::push(&mut own, &Weighed { parcel }).await?;
        match parcel % 2 {
            0 => own.commit().await?,
            _ => own.rollback().await?,
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_is_pushed_in_another_transaction_is_sent_if_that_one_commits() {
    let world = World::new().await;
    let local = Local::new();
    let service = Service::new(&world.db, local.clone())
        .queues([quick("weights")])
        .handle(quick("parcels"), Independent(world.connect().await));
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push((1..5).map(|parcel| Brought { parcel })).await;
    until("all are done", async || {
        world.count("inbox").await == 4 && world.count("outbox").await == 0
    })
    .await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    let mut told = local.peek("weights");
    told.sort();
    assert_eq!(told, [r#"{"parcel":2}"#, r#"{"parcel":4}"#]);
}

#[tokio::test]
async fn what_is_written_down_at_once_is_sent_at_once() {
    let world = World::new().await;
    let local = Local::new();
    let service = Service::new(&world.db, local.clone()).queues([quick("weights")]);
    let relay = service.relay();
    let running = tokio::spawn(service.run(world.stop.clone()));
    let since = Instant::now();
    for parcel in 0..8 {
        // Just after a sweep, when the next is furthest away.
        until("the outbox is empty", async || {
            local.depth("weights") == parcel
        })
        .await;
        let mut tx = relay.begin().await.unwrap();
        let mut savepoint = tx.begin().await.unwrap();
        let weighed = Weighed {
            parcel: parcel as i32,
        };
        outbox::push(&mut savepoint, &weighed).await.unwrap();
        savepoint.commit().await.unwrap();
        tx.commit().await.unwrap();
        until("it is sent", async || local.depth("weights") > parcel).await;
    }
    let took = since.elapsed();
    assert!(took < Duration::from_secs(4), "only by the tick: {took:?}");
    world.stop.cancel();
    running.await.unwrap().unwrap();
}

/// Asks somebody outside how heavy a parcel is.
struct Scales {
    asked: Arc<AtomicUsize>,
}

impl TwoPhaseHandler for Scales {
    type Message = Brought;
    type Outside = i32;

    async fn before(&self, brought: &Brought) -> Result<i32, Fault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match brought.parcel {
            4 => Err(Fault::reject("too heavy")),
            parcel => Ok(parcel * 10),
        }
    }

    async fn handle(&self, tx: &mut PgConnection, _: Brought, weight: i32) -> Result<(), Fault> {
        Ok(note(tx, "weight", weight).await?)
    }
}

#[tokio::test]
async fn the_phase_before_the_transaction_hands_over_what_it_found() {
    let world = World::new().await;
    let local = Local::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let service = Service::new(&world.db, local.clone()).handle_two_phase(
        quick("parcels"),
        Scales {
            asked: asked.clone(),
        },
    );
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push((0..6).map(|parcel| Brought { parcel })).await;
    until("all are done", async || {
        world.book("weight").await.len() == 5 && local.depth("parcels-dlq") == 1
    })
    .await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    let mut weights = world.book("weight").await;
    weights.sort();
    assert_eq!(weights, [0, 10, 20, 30, 50]);
    assert_eq!(asked.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn what_is_pushed_one_by_one_shares_calls() {
    const PARCELS: i32 = 30;
    let world = World::new().await;
    let (server, sqs) = crate::world::sqs().await;
    let service = Service::new(&world.db, sqs).queues([quick("parcels")]);
    service.prepare().await.unwrap();
    let relay = service.relay();
    let running = tokio::spawn(service.run(world.stop.clone()));

    let pushes = (0..PARCELS).map(|parcel| {
        let relay = &relay;
        async move {
            let mut tx = relay.begin().await?;
            tx.push(&Brought { parcel })?;
            tx.commit().await
        }
    });
    futures::future::try_join_all(pushes).await.unwrap();
    until("all are sent", async || world.count("outbox").await == 0).await;

    let queues = server.control().queues();
    let parcels = queues.iter().find(|queue| queue.name == "parcels").unwrap();
    assert_eq!(parcels.waiting, PARCELS as usize);
    let sends = server.control().calls()["SendMessageBatch"];
    assert!(sends <= 15, "{PARCELS} parcels took {sends} calls");
    world.stop.cancel();
    running.await.unwrap().unwrap();
}

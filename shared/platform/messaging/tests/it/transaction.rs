//! Inbox, work and outbox: one transaction, whose effect happens once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use messaging::{
    CallFault, ConsumerOptions, Fault, Handler, Local, Outbox, PlainHandler, QueueCall,
    RelayOptions, Runtime, Tx, handler_fn,
};

use crate::world::{Brought, Weighed, World, note, office, quick, until};

#[tokio::test]
async fn the_effect_happens_once_however_often_a_message_comes() {
    let world = World::new().await;
    // Every other message is sent twice, as the sender is told that the first did not get through,
    // and every third is not deleted at first.
    let calls = AtomicUsize::new(0);
    let local =
        Local::with_faults(
            move |call| match (call, calls.fetch_add(1, Ordering::Relaxed)) {
                (QueueCall::Send, n) if n % 2 == 0 => CallFault::Ambiguous,
                (QueueCall::Delete, n) if n % 3 == 0 => CallFault::Refused,
                _ => CallFault::None,
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

    async fn handle(&self, tx: &mut Tx, brought: Brought) -> Result<(), Fault> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        note(tx, "brought", brought.parcel).await?;
        tx.push(&Weighed {
            parcel: brought.parcel,
        })?;
        match brought.parcel % 5 {
            0 => Err(Fault::reject("too clumsy")),
            1 => panic!("dropped it"),
            _ => Ok(()),
        }
    }
}

/// So that no test waits for the backoff.
fn impatient() -> ConsumerOptions {
    let mut options = ConsumerOptions::default();
    options.backoff.limit = Duration::from_millis(20);
    options
}

#[tokio::test]
async fn a_failure_in_a_batch_is_rolled_back_and_its_neighbours_are_not() {
    let world = World::new().await;
    let local = Local::new();
    let attempts = Arc::new(AtomicUsize::new(0));
    let service = Runtime::new(&world.db, local.clone())
        .queues([quick("weights")])
        .handle_with(
            quick("parcels"),
            impatient(),
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
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.handled, summary.rejected), (18, 12), "{summary}");

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

    async fn handle(&self, tx: &mut Tx, brought: Brought) -> Result<(), Fault> {
        let mut savepoint = tx.savepoint().await?;
        savepoint.push(&Weighed { parcel: -1 })?;
        savepoint.rollback().await?;
        let mut savepoint = tx.savepoint().await?;
        savepoint.push(&Weighed {
            parcel: brought.parcel,
        })?;
        savepoint.commit().await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_savepoint_takes_what_was_pushed_in_it_back() {
    let world = World::new().await;
    let local = Local::new();
    let service = Runtime::new(&world.db, local.clone())
        .queues([quick("weights")])
        .handle(quick("parcels"), Undecided);
    let running = tokio::spawn(service.run(world.stop.clone()));
    world.push([Brought { parcel: 7 }]).await;
    until("it is told", async || local.depth("weights") > 0).await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(local.peek("weights"), [r#"{"parcel":7}"#]);
}

#[tokio::test]
async fn what_a_savepoint_pushed_keeps_its_place_in_the_transaction() {
    let world = World::new().await;
    let mut tx = Outbox::new(&world.db).begin().await.unwrap();
    tx.push(&Weighed { parcel: 1 }).unwrap();
    let mut kept = tx.savepoint().await.unwrap();
    kept.push(&Weighed { parcel: 2 }).unwrap();
    let mut dropped = kept.savepoint().await.unwrap();
    dropped.push(&Weighed { parcel: -1 }).unwrap();
    note(&mut dropped, "dropped", 1).await.unwrap();
    drop(dropped);
    kept.push(&Weighed { parcel: 3 }).unwrap();
    note(&mut kept, "kept", 1).await.unwrap();
    kept.commit().await.unwrap();
    tx.push(&Weighed { parcel: 4 }).unwrap();
    tx.commit().await.unwrap();

    let pushed = "select (body::jsonb ->> 'parcel')::int from outbox order by position";
    let pushed: Vec<i32> = sqlx::query_scalar(pushed)
        .fetch_all(&world.db)
        .await
        .unwrap();
    assert_eq!(pushed, [1, 2, 3, 4]);
    assert_eq!(
        (world.book("dropped").await, world.book("kept").await),
        (vec![], vec![1])
    );
}

/// Tells of each parcel in a transaction of its own: it keeps those that are even.
struct Independent(Outbox);

impl Handler for Independent {
    type Message = Brought;

    async fn handle(&self, _: &mut Tx, brought: Brought) -> Result<(), Fault> {
        let mut own = self.0.begin().await?;
        let Brought { parcel } = brought;
        own.push(&Weighed { parcel })?;
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
    let service = Runtime::new(&world.db, local.clone())
        .queues([quick("weights")])
        .handle(
            quick("parcels"),
            Independent(Outbox::new(&world.connect().await)),
        );
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
    let service = Runtime::new(&world.db, local.clone()).queues([quick("weights")]);
    let outbox = service.outbox();
    let running = tokio::spawn(service.run(world.stop.clone()));
    let since = Instant::now();
    for parcel in 0..8 {
        // Just after a sweep, when the next is furthest away.
        until("the outbox is empty", async || {
            local.depth("weights") == parcel
        })
        .await;
        let mut tx = outbox.begin().await.unwrap();
        let mut savepoint = tx.savepoint().await.unwrap();
        let weighed = Weighed {
            parcel: parcel as i32,
        };
        savepoint.push(&weighed).unwrap();
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

impl PlainHandler for Scales {
    type Message = Brought;
    type Output = i32;

    async fn handle(&self, brought: Brought) -> Result<i32, Fault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match brought.parcel {
            4 => Err(Fault::reject("too heavy")),
            parcel => Ok(parcel * 10),
        }
    }
}

async fn note_weight(tx: &mut Tx, weight: i32) -> Result<(), Fault> {
    Ok(note(tx, "weight", weight).await?)
}

#[tokio::test]
async fn the_phase_before_the_transaction_hands_over_what_it_found() {
    let world = World::new().await;
    let local = Local::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let scales = Scales {
        asked: asked.clone(),
    };
    let service = Runtime::new(&world.db, local.clone())
        .handle(quick("parcels"), scales.then(handler_fn(note_weight)));
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
    let lingering = RelayOptions {
        linger: Duration::from_millis(70),
        ..RelayOptions::default()
    };
    let service = Runtime::new(&world.db, sqs)
        .queues([quick("parcels")])
        .relay_options(lingering);
    service.prepare().await.unwrap();
    let outbox = service.outbox();
    let running = tokio::spawn(service.run(world.stop.clone()));

    let pushes = (0..PARCELS).map(|parcel| {
        let outbox = &outbox;
        async move {
            let mut tx = outbox.begin().await?;
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

//! The outbox: what is promised is sent, and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{
    CallFault, Destination, Error, Local, Message, Outbox, Provision, QueueCall, Runtime, Transport,
};
use serde::{Deserialize, Serialize};

use crate::world::{Brought, World, quick, until};

#[tokio::test]
async fn what_is_rolled_back_is_never_sent() {
    let world = World::new().await;
    let mut tx = Outbox::new(&world.db).begin().await.unwrap();
    tx.push(&Brought { parcel: 1 }).unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(world.count("outbox").await, 0);
}

/// A parcel with a delay and a key.
#[derive(Serialize, Deserialize)]
struct Later {
    delay: Option<Duration>,
    key: Option<String>,
    n: usize,
}

impl Message for Later {
    const KIND: &'static str = "later";

    fn destinations(&self) -> Vec<Destination> {
        let queue = Destination::queue("later");
        vec![match self.delay {
            Some(delay) => queue.after(delay),
            None => queue,
        }]
    }

    fn ordering_key(&self) -> Option<String> {
        self.key.clone()
    }
}

fn relay(world: &World, local: &Local) -> Runtime {
    Runtime::new(&world.db, local.clone()).queues([quick("later")])
}

#[tokio::test]
async fn a_delay_beyond_what_sqs_takes_waits_in_the_outbox() {
    let world = World::new().await;
    let local = Local::new();
    let delay = |minutes: u64| Later {
        delay: Some(Duration::from_secs(minutes * 60)),
        key: None,
        n: 0,
    };
    world.push([delay(60), delay(14)]).await;
    let running = tokio::spawn(relay(&world, &local).run(world.stop.clone()));
    until("the shorter is sent", async || local.depth("later") == 1).await;
    world.stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(world.count("outbox").await, 1);
    let minutes = "select (extract(epoch from send_at - now()) / 60)::float8 from outbox";
    let minutes: f64 = sqlx::query_scalar(minutes)
        .fetch_one(&world.db)
        .await
        .unwrap();
    assert!(
        (44.0..=45.0).contains(&minutes),
        "SQS takes the last 15 minutes: {minutes}"
    );
}

#[tokio::test]
async fn a_delay_of_centuries_is_refused() {
    let world = World::new().await;
    let message = Later {
        delay: Some(Duration::MAX),
        key: None,
        n: 0,
    };
    let mut tx = Outbox::new(&world.db).begin().await.unwrap();
    let refused = tx.push(&message);
    assert!(matches!(refused, Err(messaging::Error::DelayTooLong(_))));
}

/// A parcel for one queue, with whatever key and content.
#[derive(Serialize, Deserialize)]
struct Odd {
    #[serde(skip)]
    queue: &'static str,
    #[serde(skip)]
    key: Option<&'static str>,
    content: String,
    delay: Option<Duration>,
}

impl Message for Odd {
    const KIND: &'static str = "odd";

    fn destinations(&self) -> Vec<Destination> {
        let queue = Destination::queue(self.queue);
        vec![match self.delay {
            Some(delay) => queue.after(delay),
            None => queue,
        }]
    }

    fn ordering_key(&self) -> Option<String> {
        self.key.map(str::to_owned)
    }
}

const PLAIN: Odd = Odd {
    queue: "later",
    key: None,
    content: String::new(),
    delay: None,
};

#[tokio::test]
async fn what_no_queue_would_take_is_refused_where_it_is_pushed() {
    let world = World::new().await;
    let long = "k".repeat(129).leak();
    for key in ["", "a key", "schl\u{fc}ssel", long] {
        let odd = Odd {
            key: Some(key),
            ..PLAIN
        };
        let mut tx = Outbox::new(&world.db).begin().await.unwrap();
        let refused = tx.push(&odd);
        assert!(
            matches!(refused, Err(Error::Unsendable { .. })),
            "{key}: {refused:?}"
        );
    }
    let mebibyte = Odd {
        content: "x".repeat(1024 * 1024),
        ..PLAIN
    };
    let mut tx = Outbox::new(&world.db).begin().await.unwrap();
    let refused = tx.push(&mebibyte);
    assert!(
        matches!(refused, Err(Error::Unsendable { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn characters_that_sqs_refuses_travel_escaped() {
    let (_server, sqs) = crate::world::sqs().await;
    let transport = Transport::from(sqs.clone());
    transport
        .ensure(&quick("later"), Provision::Create)
        .await
        .unwrap();
    let odd = Odd {
        content: "\u{fffe} \u{ffff} \u{1}".into(),
        ..PLAIN
    };
    transport.publish(&odd).await.unwrap();
    let letters = messaging::dead_letters::peek(&sqs, "later", 1)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_str(&letters[0].body).unwrap();
    assert_eq!(body["content"], odd.content);
}

#[tokio::test]
async fn a_delay_on_a_fifo_queue_waits_in_the_outbox_as_a_whole() {
    let world = World::new().await;
    let delay = Some(Duration::from_secs(14 * 60));
    world
        .push([Odd {
            queue: "later.fifo",
            delay,
            ..PLAIN
        }])
        .await;
    let minutes = "select (extract(epoch from send_at - now()) / 60)::float8 from outbox";
    let minutes: f64 = sqlx::query_scalar(minutes)
        .fetch_one(&world.db)
        .await
        .unwrap();
    assert!((13.0..=14.0).contains(&minutes), "{minutes}");
}

#[tokio::test]
async fn a_delay_that_only_an_outbox_can_keep_is_refused_without_one() {
    let (_server, sqs) = crate::world::sqs().await;
    let transport = Transport::from(sqs);
    for queue in ["later", "later.fifo"] {
        transport
            .ensure(&quick(queue), Provision::Create)
            .await
            .unwrap();
    }
    let minutes = |queue, minutes: u64| Odd {
        queue,
        delay: Some(Duration::from_secs(minutes * 60)),
        ..PLAIN
    };
    transport.publish(&minutes("later", 15)).await.unwrap();
    for odd in [minutes("later", 16), minutes("later.fifo", 1)] {
        let refused = transport.publish(&odd).await;
        assert!(
            matches!(refused, Err(Error::NeedsOutbox { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_row_that_is_refused_for_good_is_parked_and_troubles_nobody() {
    let world = World::new().await;
    for directly in [false, true] {
        let calls = AtomicUsize::new(0);
        let local = Local::with_faults(move |call| match call {
            QueueCall::Send if calls.fetch_add(1, Ordering::Relaxed) == 0 => CallFault::Stale,
            _ => CallFault::None,
        });
        let service = relay(&world, &local);
        let (health, outbox) = (service.health(), service.outbox());
        let stop = world.stop.child_token();
        let running = tokio::spawn(service.run(stop.clone()));
        let later = |n| Later {
            delay: None,
            key: Some("a".into()),
            n,
        };
        if directly {
            let mut tx = outbox.begin().await.unwrap();
            tx.push(&Later {
                key: None,
                ..later(0)
            })
            .unwrap();
            tx.commit().await.unwrap();
        } else {
            // Not even what is behind it in order waits.
            world.push([later(0)]).await;
        }
        let parked = async || {
            let parked = "select count(*) from outbox where send_at = 'infinity'";
            sqlx::query_scalar::<_, i64>(parked)
                .fetch_one(&world.db)
                .await
                .unwrap()
        };
        until("it is parked", async || parked().await == 1).await;
        world.push([later(1)]).await;
        until("the next is sent", async || local.depth("later") == 1).await;
        until("all is well", async || health.is_healthy()).await;
        assert_eq!(parked().await, 1);
        stop.cancel();
        running.await.unwrap().unwrap();
        sqlx::query("delete from outbox")
            .execute(&world.db)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_row_that_spoils_a_whole_call_is_parked_and_its_neighbours_are_sent() {
    let world = World::new().await;
    let (server, sqs) = crate::world::sqs().await;
    world
        .push((0..3).map(|n| Later {
            delay: None,
            key: None,
            n,
        }))
        .await;
    // As an older version might have left it there: no more than two have room in a call.
    let longer = "update outbox set body = rpad('', $1, 'x') where position = $2";
    for (position, bytes) in [(1, 1024 * 1024 - 400), (2, 1024 * 1024 + 400)] {
        let longer = sqlx::query(longer).bind(bytes).bind(position);
        longer.execute(&world.db).await.unwrap();
    }
    let service = Runtime::new(&world.db, sqs).queues([quick("later")]);
    let running = tokio::spawn(service.run(world.stop.clone()));
    until("all are sent but one", async || {
        world.count("outbox").await == 1
    })
    .await;
    let parked = "select position from outbox where send_at = 'infinity'";
    until("that is parked", async || {
        let parked = sqlx::query_scalar::<_, i64>(parked).fetch_optional(&world.db);
        parked.await.unwrap() == Some(2)
    })
    .await;
    let queues = server.control().queues();
    let later = queues.iter().find(|queue| queue.name == "later").unwrap();
    assert_eq!(later.waiting, 2);
    world.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn several_relays_share_the_work_and_send_each_message_once() {
    let world = World::new().await;
    let local = Local::new();
    relay(&world, &local).prepare().await.unwrap();
    world
        .push((0..1_000).map(|n| Later {
            delay: None,
            key: None,
            n,
        }))
        .await;
    let relays = [(); 3].map(|()| tokio::spawn(relay(&world, &local).run(world.stop.clone())));
    until("the outbox is empty", async || {
        world.count("outbox").await == 0
    })
    .await;
    world.stop.cancel();
    for relay in relays {
        relay.await.unwrap().unwrap();
    }
    assert_eq!(local.depth("later"), 1_000);
}

#[tokio::test]
async fn messages_of_a_key_keep_their_order_through_every_failure() {
    let world = World::new().await;
    let calls = AtomicUsize::new(0);
    let local =
        Local::with_faults(
            move |call| match (call, calls.fetch_add(1, Ordering::Relaxed) % 7) {
                (QueueCall::Send, 2) => CallFault::Refused,
                // Taken, and nobody knows it: it is sent again, and what is behind it waits.
                (QueueCall::Send, 5) => CallFault::Ambiguous,
                _ => CallFault::None,
            },
        );
    let keyed = |n: usize| Later {
        delay: None,
        key: Some(format!("key-{}", n % 3)),
        n,
    };
    world.push((0..45).map(keyed)).await;
    let relays = [(); 2].map(|()| tokio::spawn(relay(&world, &local).run(world.stop.clone())));
    until("the outbox is empty", async || {
        world.count("outbox").await == 0
    })
    .await;
    world.stop.cancel();
    for relay in relays {
        relay.await.unwrap().unwrap();
    }
    assert!(local.depth("later") > 45, "some were sent twice");
    let sent: Vec<Later> = local
        .peek("later")
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    for key in 0..3 {
        let of_key = sent.iter().map(|later| later.n).filter(|n| n % 3 == key);
        let mut of_key: Vec<_> = of_key.collect();
        of_key.dedup();
        let expected: Vec<_> = (0..45).filter(|n| n % 3 == key).collect();
        assert_eq!(of_key, expected, "key {key}");
    }
}

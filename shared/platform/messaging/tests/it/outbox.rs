//! The outbox and its relays: every message of a committed transaction is sent, and no other.

use std::sync::atomic::{AtomicUsize, Ordering};

use messaging::{CallFault, Local, Outbox, QueueCall};

use crate::fixture::{Arrived, Fixture, until};
use crate::messages::{Later, relay};

#[tokio::test]
async fn a_message_of_a_rolled_back_transaction_is_never_sent() {
    let fixture = Fixture::new().await;
    let mut tx = Outbox::new(&fixture.db).begin().await.unwrap();
    tx.push(&Arrived { parcel: 1 }).unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(fixture.count("outbox").await, 0);
}

#[tokio::test]
async fn several_relays_share_the_work_and_send_each_message_once() {
    let fixture = Fixture::new().await;
    let local = Local::new();
    relay(&fixture, &local).prepare().await.unwrap();
    fixture
        .push((0..1_000).map(|n| Later {
            delay: None,
            key: None,
            n,
        }))
        .await;
    let relays = [(); 3].map(|()| tokio::spawn(relay(&fixture, &local).run(fixture.stop.clone())));
    until("the outbox is empty", async || {
        fixture.count("outbox").await == 0
    })
    .await;
    fixture.stop.cancel();
    for relay in relays {
        relay.await.unwrap().unwrap();
    }
    assert_eq!(local.depth("later"), 1_000);
}

#[tokio::test]
async fn messages_of_a_key_keep_their_order_through_every_failure() {
    let fixture = Fixture::new().await;
    let calls = AtomicUsize::new(0);
    let local =
        Local::with_faults(
            move |call| match (call, calls.fetch_add(1, Ordering::Relaxed) % 7) {
                (QueueCall::Send, 2) => CallFault::Refused,
                // Accepted, but the relay does not know: it sends the message again, and later ones
                // wait.
                (QueueCall::Send, 5) => CallFault::Ambiguous,
                _ => CallFault::None,
            },
        );
    let keyed = |n: usize| Later {
        delay: None,
        key: Some(format!("key-{}", n % 3)),
        n,
    };
    fixture.push((0..45).map(keyed)).await;
    let relays = [(); 2].map(|()| tokio::spawn(relay(&fixture, &local).run(fixture.stop.clone())));
    until("the outbox is empty", async || {
        fixture.count("outbox").await == 0
    })
    .await;
    fixture.stop.cancel();
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

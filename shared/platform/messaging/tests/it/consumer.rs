//! The outcomes of messages in the consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{CallFault, ConsumerOptions, Fault, Local, QueueCall, Transport};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::fixture::{plain_consumer, publish, until};

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_without_success() {
    let local = Local::new();
    let consumer = plain_consumer(&local, |parcel| async move {
        match parcel {
            0 => Ok(()),
            1 => Err(Fault::retry("the scales are broken")),
            2 => Err(Fault::reject("not a parcel")),
            3 => panic!("dropped it"),
            _ => std::future::pending().await,
        }
    });
    let consumer = consumer.await;
    publish(&local, 0..5).await;

    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    // Three become dead letters, two of them after five attempts, and one is handled.
    until("three are dead letters", async || {
        local.depth("parcels-dlq") == 3
    })
    .await;
    assert_eq!(
        local.depth("parcels"),
        1,
        "the one that hangs is still held"
    );
    stop.cancel();
    let summary = running.await.unwrap();
    assert_eq!((summary.handled, summary.rejected), (1, 3), "{summary}");
    assert_eq!(
        summary.returned, 1,
        "the one that hangs is returned: {summary}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_of_another_kind_goes_to_the_dead_letters() {
    let local = Local::new();
    let consumer = plain_consumer(&local, |_| async { Ok(()) }).await;
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Letter;
    impl messaging::Message for Letter {
        const KIND: &'static str = "letter";
        fn destinations(&self) -> Vec<messaging::Destination> {
            vec!["parcels".into()]
        }
    }
    Transport::from(local.clone())
        .publish(&Letter)
        .await
        .unwrap();

    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("it is a dead letter", async || {
        local.depth("parcels-dlq") == 1
    })
    .await;
    stop.cancel();
    assert_eq!(running.await.unwrap().rejected, 1);
    assert_eq!(local.depth("parcels"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_for_its_time() {
    let local = Local::new();
    let since = Instant::now();
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    let consumer = plain_consumer(&local, move |_| {
        let attempt = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            match attempt {
                0 => Err(Fault::retry_after(
                    Duration::from_secs(3600),
                    "closed for an hour",
                )),
                _ => Ok(()),
            }
        }
    });
    let consumer = consumer.await;
    publish(&local, [1]).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("it is tried again", async || {
        attempts.load(Ordering::Relaxed) == 2
    })
    .await;
    let waited = since.elapsed();
    assert!(waited >= Duration::from_secs(3600), "{waited:?}");
    stop.cancel();
    assert_eq!(running.await.unwrap().handled, 1);
}

#[tokio::test(start_paused = true)]
async fn messages_in_flight_do_not_exceed_the_limit() {
    let local = Local::new();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (now.clone(), most.clone());
    let consumer = plain_consumer(&local, move |_| {
        let (now, most) = (counted.clone(), highest.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let consumer = consumer.await.options(ConsumerOptions {
        in_flight: 23,
        ..ConsumerOptions::default()
    });
    publish(&local, 0..500).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("all are done", async || local.depth("parcels") == 0).await;
    stop.cancel();
    assert_eq!(running.await.unwrap().handled, 500);
    assert_eq!(
        most.load(Ordering::SeqCst),
        23,
        "the limit is used, and not exceeded"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_entry_of_a_batch_call_is_retried() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let local = Local::with_faults(move |call| {
        let n = counted.fetch_add(1, Ordering::Relaxed);
        match (call, n % 3) {
            (QueueCall::Delete | QueueCall::ChangeVisibility, 0) => CallFault::Refused,
            (QueueCall::Delete, 1) => CallFault::Ambiguous,
            _ => CallFault::None,
        }
    });
    let consumer = plain_consumer(&local, |_| async { Ok(()) }).await;
    publish(&local, 0..100).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("all are deleted", async || local.depth("parcels") == 0).await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(local.depth("parcels-dlq"), 0);
}

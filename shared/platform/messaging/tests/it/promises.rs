//! The promises of the consumer on SQS: on a server in this process with a paused clock or, with
//! `SQS_ENDPOINT_URL`, on an external endpoint in real time.
//!
//! ```sh
//! SQS_ENDPOINT_URL=http://127.0.0.1:9324 cargo test -p messaging --test it promises
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Name;
use messaging::dead_letters::{self, Selection};
use messaging::{Consumer, Fault, Provision};
use tokio::time::{Instant, sleep};

use crate::endpoint::{Endpoint, Running};
use crate::fixture::{PlainClosure, until};

#[tokio::test]
async fn nothing_is_deleted_without_success() {
    let endpoint = Endpoint::new().await;
    let running = endpoint
        .consume(|parcel| async move {
            match parcel {
                0 => Ok(()),
                1 => Err(Fault::retry("the scales are broken")),
                2 => Err(Fault::reject("not a parcel")),
                3 => panic!("dropped it"),
                _ => std::future::pending().await,
            }
        })
        .await;
    endpoint.publish(0..5).await;
    // And an unreadable message.
    let url = endpoint.sqs.client().get_queue_url();
    let url = url
        .queue_name(endpoint.sqs.full_name("parcels"))
        .send()
        .await
        .unwrap();
    let unreadable = endpoint
        .sqs
        .client()
        .send_message()
        .message_body("{no parcel");
    unreadable
        .queue_url(url.queue_url.unwrap())
        .send()
        .await
        .unwrap();

    until("four are dead letters", async || {
        endpoint.depth("parcels-dlq").await == 4
    })
    .await;
    assert_eq!(
        endpoint.depth("parcels").await,
        1,
        "the one that hangs is held"
    );
    let summary = running.end().await;
    let counts = (
        summary.handled,
        summary.rejected,
        summary.returned,
        summary.lost,
    );
    assert_eq!(counts, (1, 4, 1, 0), "{summary}");
    assert_eq!(endpoint.depth("parcels").await, 1, "and returned");

    let mut letters = dead_letters::peek(&endpoint.sqs, "parcels-dlq", 10)
        .await
        .unwrap();
    letters.sort_by(|a, b| a.reason.cmp(&b.reason));
    let reasons: Vec<_> = letters
        .iter()
        .map(|l| l.reason.as_deref().unwrap())
        .collect();
    assert_eq!(
        reasons[0],
        "gave up after 3 attempts: the handler panicked: dropped it"
    );
    assert_eq!(
        reasons[1],
        "gave up after 3 attempts: the scales are broken"
    );
    assert!(
        reasons[2].starts_with("not a `parcel-arrived`: "),
        "{reasons:?}"
    );
    assert_eq!(reasons[3], "not a parcel");
    endpoint.end().await;
}

#[tokio::test]
async fn dead_letters_are_redriven_all_or_selected() {
    let endpoint = Endpoint::new().await;
    let refusing = endpoint
        .consume(|_| async { Err(Fault::reject("not today")) })
        .await;
    endpoint.publish(0..12).await;
    until("all are dead letters", async || {
        endpoint.depth("parcels-dlq").await == 12
    })
    .await;
    assert_eq!(refusing.end().await.rejected, 12);

    let letters = dead_letters::peek(&endpoint.sqs, "parcels-dlq", 20)
        .await
        .unwrap();
    let one = Selection::Ids(vec![letters[3].id]);
    let redriven = dead_letters::redrive(&endpoint.sqs, "parcels-dlq", &one, 100.0).await;
    assert_eq!(redriven.unwrap().moved, 1);
    assert_eq!(endpoint.depth("parcels").await, 1);
    until("the others are in their queue", async || {
        let rest = dead_letters::redrive(&endpoint.sqs, "parcels-dlq", &Selection::All, 100.0);
        rest.await.unwrap();
        endpoint.depth("parcels").await == 12
    })
    .await;
    let accepting = endpoint.consume(|_| async { Ok(()) }).await;
    until("all are handled", async || {
        endpoint.depth("parcels").await == 0
    })
    .await;
    assert_eq!(accepting.end().await.handled, 12);
    endpoint.end().await;
}

#[tokio::test]
async fn a_retry_waits_for_its_time_and_a_long_handler_keeps_its_message() {
    let endpoint = Endpoint::new().await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = attempts.clone();
    let running = endpoint
        .consume(move |_| {
            let attempt = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                if attempt == 0 {
                    return Err(Fault::retry_after(Duration::from_secs(3), "closed"));
                }
                // Three times the visibility timeout.
                sleep(Duration::from_secs(6)).await;
                Ok(())
            }
        })
        .await;
    let since = Instant::now();
    endpoint.publish([1]).await;
    until("it is tried again", async || {
        attempts.load(Ordering::SeqCst) == 2
    })
    .await;
    assert!(
        since.elapsed() >= Duration::from_secs(3),
        "{:?}",
        since.elapsed()
    );
    until("it is done", async || endpoint.depth("parcels").await == 0).await;
    assert!(
        since.elapsed() >= Duration::from_secs(9),
        "{:?}",
        since.elapsed()
    );
    let summary = running.end().await;
    assert_eq!((summary.handled, summary.lost), (1, 0), "{summary}");
    assert_eq!(
        attempts.load(Ordering::SeqCst),
        2,
        "no other consumer had it meanwhile"
    );
    endpoint.end().await;
}

#[tokio::test]
async fn a_shutdown_is_in_time_and_strands_nothing() {
    let endpoint = Endpoint::new().await;
    for instant in [0, 40, 150, 400] {
        let running = endpoint
            .consume(|parcel| async move {
                sleep(Duration::from_millis(100 + parcel as u64 * 5)).await;
                Ok(())
            })
            .await;
        endpoint.publish(0..40).await;
        sleep(Duration::from_millis(instant)).await;
        let since = Instant::now();
        let summary = running.end().await;
        assert!(
            since.elapsed() <= Duration::from_secs(8),
            "{:?}",
            since.elapsed()
        );
        assert_eq!(summary.lost, 0, "{summary}");

        let handled = Arc::new(AtomicUsize::new(summary.handled as usize));
        let counted = handled.clone();
        let next = endpoint
            .consume(move |_| {
                counted.fetch_add(1, Ordering::SeqCst);
                async { Ok(()) }
            })
            .await;
        let since = Instant::now();
        until("the rest is done", async || {
            handled.load(Ordering::SeqCst) == 40
        })
        .await;
        assert!(
            since.elapsed() < Duration::from_millis(1900),
            "stranded until their visibility timeout at {instant} ms: {:?}",
            since.elapsed()
        );
        next.end().await;
    }
    endpoint.end().await;
}

#[tokio::test]
async fn a_message_that_arrives_during_the_last_poll_is_returned() {
    let endpoint = Endpoint::new().await;
    let running = endpoint.consume(|_| async { Ok(()) }).await;
    // A sleep, because no test can see whether an external server has an open poll.
    sleep(Duration::from_millis(500)).await;
    running.stop.cancel();
    // A consumer that drops the poll would have ended by now.
    sleep(Duration::from_millis(500)).await;
    endpoint.publish([1]).await;
    let summary = running.end().await;
    assert_eq!(summary.lost, 0, "{summary}");
    if endpoint.proxy.is_some() {
        assert_eq!((summary.handled, summary.returned), (0, 1), "{summary}");
    }
    let next = endpoint.consume(|_| async { Ok(()) }).await;
    let since = Instant::now();
    until("it is done", async || endpoint.depth("parcels").await == 0).await;
    assert!(
        since.elapsed() < Duration::from_millis(1900),
        "{:?}",
        since.elapsed()
    );
    next.end().await;
    endpoint.end().await;
}

#[tokio::test]
async fn an_idle_queue_costs_three_calls_per_minute() {
    let endpoint = Endpoint::new().await;
    let consumer = Consumer::plain(
        endpoint.parcels().await,
        &endpoint.transport(),
        PlainClosure(|_| async { Ok(()) }),
    );
    let Some(proxy) = &endpoint.proxy else {
        return; // An external server does not count calls.
    };
    let running = Running::start(consumer);
    let before = proxy.all_calls();
    sleep(Duration::from_secs(60 * 60)).await;
    let calls = proxy.all_calls() - before;
    assert!((179..=181).contains(&calls), "{calls} calls per hour");
    running.end().await;
}

#[tokio::test]
async fn a_queue_is_checked_against_its_specification() {
    let endpoint = Endpoint::new().await;
    let parcels = endpoint.parcels().await;
    endpoint
        .transport()
        .ensure(&parcels, Provision::Check)
        .await
        .unwrap();
    let url = endpoint.sqs.client().get_queue_url();
    let url = url
        .queue_name(endpoint.sqs.full_name("parcels"))
        .send()
        .await
        .unwrap();
    let change = endpoint.sqs.client().set_queue_attributes();
    let change = change.queue_url(url.queue_url.unwrap());
    change
        .attributes(Name::VisibilityTimeout, "7")
        .send()
        .await
        .unwrap();
    let error = endpoint
        .transport()
        .ensure(&parcels, Provision::Create)
        .await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.ends_with("visibility timeout is 7 s, expected 2 s"),
        "{error}"
    );
    endpoint.end().await;
}

//! Temporary refusals are retried: throttled entries, also with `SenderFault`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{Consumer, Fault, Health, Provision, QueueSpec, Runtime, Transport};
use sqs_local::{Control, Faults};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::faulty_proxy::{FaultyProxy, ProxyFault};
use crate::fixture::{Arrived, Fixture, PlainClosure, quick, sqs, until};

/// Sets the share of entries on a queue that are throttled.
fn throttle(control: &Control, queue: &str, throttle_entries: f64, blame_sender: bool) {
    let rule = Faults {
        throttle_entries,
        blame_sender,
        ..Faults::default()
    };
    control.inject_on(queue, Some(rule)).unwrap();
}

#[tokio::test]
async fn a_row_whose_entry_is_throttled_is_sent_later_and_never_parked() {
    for blame_sender in [false, true] {
        let fixture = Fixture::new().await;
        let (server, sqs) = sqs().await;
        let control = server.control();
        let service = Runtime::new(&fixture.db, sqs).queues([quick("parcels")]);
        service.prepare().await.unwrap();
        throttle(&control, "parcels", 1.0, blame_sender);
        let (health, outbox) = (service.health(), service.outbox());
        let running = tokio::spawn(service.run(fixture.stop.clone()));
        // One by the poll, one directly.
        fixture.push([Arrived { parcel: 1 }]).await;
        let mut tx = outbox.begin().await.unwrap();
        tx.push(&Arrived { parcel: 2 }).unwrap();
        tx.commit().await.unwrap();

        let parked = async || {
            let parked = "select count(*) from outbox where send_at = 'infinity'";
            let parked = sqlx::query_scalar::<_, i64>(parked).fetch_one(&fixture.db);
            parked.await.unwrap()
        };
        let is_shown = || health.problems().iter().any(|t| t.contains("Throttled"));
        until("a refusal is noticed", async || {
            is_shown() || parked().await > 0
        })
        .await;
        throttle(&control, "parcels", 0.0, blame_sender);
        until("both are sent, or one is parked", async || {
            fixture.count("outbox").await == 0 || parked().await > 0
        })
        .await;
        assert_eq!(parked().await, 0, "blame_sender: {blame_sender}");
        until("the service is healthy", async || health.is_healthy()).await;
        assert_eq!(control.queues()[0].waiting + control.queues()[1].waiting, 2);
        fixture.stop.cancel();
        running.await.unwrap().unwrap();
    }
}

/// Handles one parcel, which takes `seconds`, while entries on `queue` are throttled until `action`
/// was refused once. Returns the number of handler calls, and the summary.
async fn handled_in_spite_of(
    queue: &str,
    action: &str,
    seconds: u64,
    handle: fn() -> Result<(), Fault>,
) -> (usize, messaging::ShutdownSummary) {
    let proxy = FaultyProxy::new().await;
    let control = proxy.control();
    let transport = Transport::from(proxy.sqs());
    let spec = QueueSpec {
        visibility_timeout: Duration::from_secs(2),
        ..QueueSpec::new("parcels")
    };
    transport.ensure(&spec, Provision::Create).await.unwrap();
    transport.publish(&Arrived { parcel: 1 }).await.unwrap();
    throttle(&control, queue, 1.0, true);

    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    let work = PlainClosure(move |_| {
        let begun = counted.clone();
        async move {
            begun.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_secs(seconds)).await;
            handle()
        }
    });
    let stop = CancellationToken::new();
    let consumer = Consumer::plain(spec, &transport, work);
    let running = tokio::spawn(consumer.run(stop.clone()));
    let before = proxy.calls(action);
    until("it is refused", async || proxy.calls(action) > before).await;
    // Time for the answer to arrive.
    sleep(Duration::from_millis(10)).await;
    throttle(&control, queue, 0.0, true);
    until("the queue is empty", async || {
        let parcels = control.queues();
        let parcels = parcels.iter().find(|q| q.name == "parcels").unwrap();
        parcels.waiting + parcels.in_flight + parcels.delayed == 0
    })
    .await;
    stop.cancel();
    (begun.load(Ordering::SeqCst), running.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_throttled_heartbeat_cancels_no_healthy_handler() {
    let action = "ChangeMessageVisibilityBatch";
    let (begun, summary) = handled_in_spite_of("parcels", action, 5, || Ok(())).await;
    assert_eq!((begun, summary.handled, summary.lost), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_delete_is_repeated() {
    let action = "DeleteMessageBatch";
    let (begun, summary) = handled_in_spite_of("parcels", action, 0, || Ok(())).await;
    assert_eq!((begun, summary.handled, summary.lost), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_move_to_the_dead_letters_is_throttled_is_not_handled_again() {
    let refuse = || Err(Fault::reject("no such street"));
    let action = "SendMessageBatch";
    let (begun, summary) = handled_in_spite_of("parcels-dlq", action, 0, refuse).await;
    assert_eq!((begun, summary.rejected, summary.retried), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_too_long_is_repeated_for_each_message() {
    let proxy = FaultyProxy::new().await;
    let transport = Transport::from(proxy.sqs());
    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    proxy.inject(ProxyFault::BatchTooLong);
    let parcels = [1, 2, 3].map(|parcel| Arrived { parcel });
    transport.publish_all(&parcels).await.unwrap();
    let queues = proxy.control().queues();
    let parcels = queues.iter().find(|q| q.name == "parcels").unwrap();
    assert_eq!(parcels.waiting, 3);
}

#[tokio::test(start_paused = true)]
async fn deletes_that_fail_for_long_make_a_consumer_unhealthy() {
    let proxy = FaultyProxy::new().await;
    let control = proxy.control();
    let transport = Transport::from(proxy.sqs());
    let spec = quick("parcels");
    transport.ensure(&spec, Provision::Create).await.unwrap();
    transport.publish(&Arrived { parcel: 1 }).await.unwrap();
    throttle(&control, "parcels", 1.0, true);
    let health = Health::default();
    let consumer = Consumer::plain(spec, &transport, PlainClosure(|_| async { Ok(()) }));
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.health(health.clone()).run(stop.clone()));
    until("it is shown", async || !health.is_healthy()).await;
    assert!(
        health.problems()[0].starts_with("deleting from parcels"),
        "{:?}",
        health.problems()
    );
    throttle(&control, "parcels", 0.0, true);
    until("the service is healthy", async || health.is_healthy()).await;
    stop.cancel();
    assert!(running.await.unwrap().lost > 1);
}

//! Every kind of outage of the server: retries, their number, the health, the log, and the
//! recovery.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{Consumer, Health, Provision, Transport};
use sqs_local::Faults;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::faulty_proxy::{FaultyProxy, ProxyFault};
use crate::fixture::{Arrived, PlainClosure, quick, subscribe_thread, until};

/// Counts the log lines about failures and recoveries.
#[derive(Clone, Default)]
struct Lines(Arc<[AtomicUsize; 2]>);

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut LogMessage(self));
    }
}

/// Reads the message of a log line.
struct LogMessage<'a>(&'a Lines);

impl Visit for LogMessage<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            match format!("{value:?}").as_str() {
                "does not work, and is tried again" => self.0.0[0].fetch_add(1, Ordering::SeqCst),
                "works" => self.0.0[1].fetch_add(1, Ordering::SeqCst),
                _ => 0,
            };
        }
    }
}

impl Lines {
    fn failures_and_recoveries(&self) -> (usize, usize) {
        let count = |n: usize| self.0[n].load(Ordering::SeqCst);
        (count(0), count(1))
    }
}

/// Runs a consumer through an hour of a fault, and checks its recovery.
async fn an_hour_of(
    begin: impl FnOnce(&FaultyProxy),
    end: impl FnOnce(&FaultyProxy),
    polls: [usize; 2],
) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    let _subscribed = subscribe_thread(subscriber);
    let proxy = FaultyProxy::new().await;
    let transport = Transport::from(proxy.sqs());
    let parcels = quick("parcels");
    transport.ensure(&parcels, Provision::Create).await.unwrap();
    let handled = Arc::new(AtomicUsize::new(0));
    let counted = handled.clone();
    let consumer = Consumer::plain(
        parcels,
        &transport,
        PlainClosure(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        }),
    );
    let health = Health::default();
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.health(health.clone()).run(stop.clone()));
    transport.publish(&Arrived { parcel: 1 }).await.unwrap();
    let empty = || {
        let queues = proxy.control().queues();
        queues
            .iter()
            .all(|queue| queue.waiting + queue.in_flight == 0)
    };
    until("it is deleted", async || {
        handled.load(Ordering::SeqCst) == 1 && empty()
    })
    .await;

    begin(&proxy);
    until("it is noticed", async || !health.is_healthy()).await;
    let before = proxy.calls("ReceiveMessage");
    sleep(Duration::from_secs(60 * 60)).await;
    let made = proxy.calls("ReceiveMessage") - before;
    let [min, max] = polls;
    assert!(
        (min..=max).contains(&made),
        "{made} polls per hour: neither too many nor too few"
    );
    assert!(!health.is_healthy(), "not ready during the fault");
    assert_eq!(
        lines.failures_and_recoveries(),
        (1, 0),
        "one line in an hour"
    );

    end(&proxy);
    transport.publish(&Arrived { parcel: 2 }).await.unwrap();
    until("it goes on", async || handled.load(Ordering::SeqCst) == 2).await;
    assert!(health.is_healthy(), "{:?}", health.problems());
    assert_eq!(
        lines.failures_and_recoveries(),
        (1, 1),
        "and one on recovery"
    );
    stop.cancel();
    let summary = running.await.unwrap();
    assert_eq!((summary.handled, summary.lost), (2, 0), "{summary}");
}

/// The expected polls per hour. Pauses of up to 30 s, 15 s on average, are 240 polls.
const POLLS: [usize; 2] = [150, 400];

async fn an_hour_of_fault(fault: ProxyFault, polls: [usize; 2]) {
    let begin = |proxy: &FaultyProxy| proxy.inject(fault);
    an_hour_of(begin, |proxy| proxy.inject(ProxyFault::None), polls).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_is_retried_with_backoff() {
    an_hour_of_fault(ProxyFault::Down, POLLS).await;
}

#[tokio::test(start_paused = true)]
async fn broken_connections_are_retried_with_backoff() {
    an_hour_of_fault(ProxyFault::Reset, POLLS).await;
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_are_retried_with_backoff() {
    an_hour_of_fault(ProxyFault::Forbidden, POLLS).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_stops_no_poller() {
    // Each poll takes 25 s, and 15 s pass on average until the next.
    an_hour_of_fault(ProxyFault::Hang, [70, 120]).await;
}

#[tokio::test(start_paused = true)]
async fn throttling_is_retried_with_backoff() {
    let throttled = Faults {
        // No call succeeds in the hour.
        throttle: Some(1e-9),
        ..Faults::default()
    };
    let begin = |proxy: &FaultyProxy| {
        proxy.control().inject(throttled).unwrap();
        // The first call is free.
    };
    let end = |proxy: &FaultyProxy| proxy.control().inject(Faults::default()).unwrap();
    an_hour_of(begin, end, POLLS).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_queue_is_retried_with_backoff() {
    let proxy = FaultyProxy::new().await;
    let transport = Transport::from(proxy.sqs());
    let health = Health::default();
    let consumer = Consumer::plain(
        quick("parcels"),
        &transport,
        PlainClosure(|_| async { Ok(()) }),
    );
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.health(health.clone()).run(stop.clone()));
    until("it is noticed", async || !health.is_healthy()).await;
    let before = proxy.all_calls();
    sleep(Duration::from_secs(60 * 60)).await;
    let calls = proxy.all_calls() - before;
    assert!((150..=400).contains(&calls), "{calls} calls per hour");
    assert!(
        health.problems()[0].contains("does not exist"),
        "{:?}",
        health.problems()
    );
    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    until("it is healthy", async || health.is_healthy()).await;
    stop.cancel();
    running.await.unwrap();
}

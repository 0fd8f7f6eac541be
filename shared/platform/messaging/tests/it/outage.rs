//! A server that cannot be reached, in every way there is: what waits, what it costs, what is
//! said, and that all is well again by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use messaging::{Consumer, Error, Health, Provision, Runtime, ShutdownSummary, Transport};
use sqs_local::Faults;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::wire::{Trouble, Wire};
use crate::world::{Brought, Plainly, World, listen, quick, until};

/// Counts the lines of the log that say what is wrong and what is well again.
#[derive(Clone, Default)]
struct Lines(Arc<[AtomicUsize; 2]>);

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut Said(self));
    }
}

struct Said<'a>(&'a Lines);

impl Visit for Said<'_> {
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
    fn bad_and_good(&self) -> (usize, usize) {
        let count = |n: usize| self.0[n].load(Ordering::SeqCst);
        (count(0), count(1))
    }
}

/// An hour of trouble, and what comes after.
async fn an_hour_of(begin: impl FnOnce(&Wire), end: impl FnOnce(&Wire), polls: [usize; 2]) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    let _subscribed = listen(subscriber);
    let wire = Wire::new().await;
    let transport = Transport::from(wire.sqs());
    let parcels = quick("parcels");
    transport.ensure(&parcels, Provision::Create).await.unwrap();
    let handled = Arc::new(AtomicUsize::new(0));
    let counted = handled.clone();
    let consumer = Consumer::plain(
        parcels,
        &transport,
        Plainly(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        }),
    );
    let health = Health::default();
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.health(health.clone()).run(stop.clone()));
    transport.publish(&Brought { parcel: 1 }).await.unwrap();
    let empty = || {
        let queues = wire.control().queues();
        queues
            .iter()
            .all(|queue| queue.waiting + queue.in_flight == 0)
    };
    until("it is deleted", async || {
        handled.load(Ordering::SeqCst) == 1 && empty()
    })
    .await;

    begin(&wire);
    until("it is noticed", async || !health.is_healthy()).await;
    let before = wire.calls("ReceiveMessage");
    sleep(Duration::from_secs(60 * 60)).await;
    let made = wire.calls("ReceiveMessage") - before;
    let [fewest, most] = polls;
    assert!(
        (fewest..=most).contains(&made),
        "{made} polls in an hour: no rush, and no rest"
    );
    assert!(!health.is_healthy(), "not ready all the while");
    assert_eq!(lines.bad_and_good(), (1, 0), "one line, in an hour");

    end(&wire);
    transport.publish(&Brought { parcel: 2 }).await.unwrap();
    until("it goes on", async || handled.load(Ordering::SeqCst) == 2).await;
    assert!(health.is_healthy(), "{:?}", health.problems());
    assert_eq!(lines.bad_and_good(), (1, 1), "and one when it is over");
    stop.cancel();
    let summary = running.await.unwrap();
    assert_eq!((summary.handled, summary.lost), (2, 0), "{summary}");
}

/// Pauses of up to 30 s, 15 s on average, are 240 polls an hour.
const PATIENT: [usize; 2] = [150, 400];

async fn an_hour_of_trouble(trouble: Trouble, polls: [usize; 2]) {
    let begin = |wire: &Wire| wire.trouble(trouble);
    an_hour_of(begin, |wire| wire.trouble(Trouble::None), polls).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_is_tried_patiently() {
    an_hour_of_trouble(Trouble::Down, PATIENT).await;
}

#[tokio::test(start_paused = true)]
async fn connections_that_break_are_tried_patiently() {
    an_hour_of_trouble(Trouble::Reset, PATIENT).await;
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_are_tried_patiently() {
    an_hour_of_trouble(Trouble::Forbidden, PATIENT).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_stops_no_poller() {
    // Each takes its 25 s, and 15 s on average until the next.
    an_hour_of_trouble(Trouble::Hang, [70, 120]).await;
}

#[tokio::test(start_paused = true)]
async fn throttling_is_answered_by_patience() {
    let throttled = Faults {
        // Not one call in the hour.
        throttle: Some(1e-9),
        ..Faults::default()
    };
    let begin = |wire: &Wire| {
        wire.control().inject(throttled).unwrap();
        // The first call is free.
    };
    let end = |wire: &Wire| wire.control().inject(Faults::default()).unwrap();
    an_hour_of(begin, end, PATIENT).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_gone_is_asked_for_patiently() {
    let wire = Wire::new().await;
    let transport = Transport::from(wire.sqs());
    let health = Health::default();
    let consumer = Consumer::plain(quick("parcels"), &transport, Plainly(|_| async { Ok(()) }));
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.health(health.clone()).run(stop.clone()));
    until("it is noticed", async || !health.is_healthy()).await;
    let before = wire.all_calls();
    sleep(Duration::from_secs(60 * 60)).await;
    let asked = wire.all_calls() - before;
    assert!((150..=400).contains(&asked), "{asked} calls in an hour");
    assert!(
        health.problems()[0].contains("does not exist"),
        "{:?}",
        health.problems()
    );
    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    until("it is well", async || health.is_healthy()).await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_server_that_hangs() {
    let wire = Wire::new().await;
    let transport = Transport::from(wire.sqs());
    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    let consumer = Consumer::plain(quick("parcels"), &transport, Plainly(|_| async { Ok(()) }));
    wire.trouble(Trouble::Hang);
    let stop = CancellationToken::new();
    let consumer = consumer.shutdown_timeout(Duration::from_secs(10));
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("a poll hangs", async || wire.calls("ReceiveMessage") == 1).await;
    let since = tokio::time::Instant::now();
    stop.cancel();
    let summary = running.await.unwrap();
    assert!(
        since.elapsed() <= Duration::from_secs(10),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(summary.lost, 0, "a poll is no message: {summary}");
}

#[tokio::test]
async fn a_service_stops_in_time_though_its_server_hangs() {
    let world = World::new().await;
    let wire = Wire::new().await;
    let stop_in = Duration::from_secs(1);
    let service = || {
        let service = Runtime::new(&world.db, wire.sqs()).queues([quick("parcels")]);
        service.shutdown_timeout(stop_in)
    };
    service().prepare().await.unwrap();
    let ends_in_time =
        async |stop: CancellationToken, running: JoinHandle<Result<ShutdownSummary, Error>>| {
            let since = std::time::Instant::now();
            stop.cancel();
            running.await.unwrap().unwrap();
            let took = since.elapsed();
            assert!(took < stop_in + Duration::from_secs(5), "{took:?}");
        };

    // While it sends, the message stays where it is.
    let (stop, running) = (CancellationToken::new(), service());
    let health = running.health();
    let running = tokio::spawn(running.run(stop.clone()));
    until("it runs", async || health.is_healthy()).await;
    wire.trouble(Trouble::Hang);
    world.push([Brought { parcel: 1 }]).await;
    until("it sends", async || wire.calls("SendMessageBatch") > 0).await;
    ends_in_time(stop, running).await;
    assert_eq!(world.count("outbox").await, 1);

    // And while it prepares its queues.
    let stop = CancellationToken::new();
    let before = wire.all_calls();
    let running = tokio::spawn(service().run(stop.clone()));
    until("it asks", async || wire.all_calls() > before).await;
    ends_in_time(stop, running).await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_of_another_server_on_this_machine_is_short_and_waited_for() {
    let wire = Wire::new().await;
    let transport = Transport::from(wire.sqs_at("http://127.0.0.1:9324"));
    let parcels = quick("parcels");
    transport.ensure(&parcels, Provision::Create).await.unwrap();
    let consumer = Consumer::plain(parcels, &transport, Plainly(|_| async { Ok(()) }));
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    let control = wire.control();
    let is_open = || control.waiting_receives("parcels") == Ok(1);
    until("a poll is open", async || is_open()).await;
    let since = tokio::time::Instant::now();
    stop.cancel();
    sleep(Duration::from_millis(100)).await;
    assert!(is_open(), "it is waited for");
    transport.publish(&Brought { parcel: 1 }).await.unwrap();
    let summary = running.await.unwrap();
    assert_eq!((summary.returned, summary.lost), (1, 0), "{summary}");
    assert!(
        since.elapsed() < Duration::from_secs(2),
        "{:?}",
        since.elapsed()
    );

    // And nothing comes.
    let consumer = Consumer::plain(quick("weights"), &transport, Plainly(|_| async { Ok(()) }));
    transport
        .ensure(&quick("weights"), Provision::Create)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("a poll is open", async || {
        control.waiting_receives("weights") == Ok(1)
    })
    .await;
    let since = tokio::time::Instant::now();
    stop.cancel();
    running.await.unwrap();
    assert!(
        since.elapsed() <= Duration::from_secs(2),
        "{:?}",
        since.elapsed()
    );
}

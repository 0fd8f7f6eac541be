//! Shutdowns during an outage, and with servers that do not take back polls.

use std::time::Duration;

use messaging::{Consumer, Error, Provision, Runtime, ShutdownSummary, Transport};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::faulty_proxy::{FaultyProxy, ProxyFault};
use crate::fixture::{Arrived, Fixture, PlainClosure, quick, until};

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_a_server_that_hangs() {
    let proxy = FaultyProxy::new().await;
    let transport = Transport::from(proxy.sqs());
    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    let consumer = Consumer::plain(
        quick("parcels"),
        &transport,
        PlainClosure(|_| async { Ok(()) }),
    );
    proxy.inject(ProxyFault::Hang);
    let stop = CancellationToken::new();
    let consumer = consumer.shutdown_timeout(Duration::from_secs(10));
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("a poll hangs", async || proxy.calls("ReceiveMessage") == 1).await;
    let since = tokio::time::Instant::now();
    stop.cancel();
    let summary = running.await.unwrap();
    assert!(
        since.elapsed() <= Duration::from_secs(10),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(summary.lost, 0, "a poll is not a message: {summary}");
}

#[tokio::test]
async fn a_service_stops_in_time_though_its_server_hangs() {
    let fixture = Fixture::new().await;
    let proxy = FaultyProxy::new().await;
    let timeout = Duration::from_secs(1);
    let service = || {
        let service = Runtime::new(&fixture.db, proxy.sqs()).queues([quick("parcels")]);
        service.shutdown_timeout(timeout)
    };
    service().prepare().await.unwrap();
    let ends_in_time =
        async |stop: CancellationToken, running: JoinHandle<Result<ShutdownSummary, Error>>| {
            let since = std::time::Instant::now();
            stop.cancel();
            running.await.unwrap().unwrap();
            let took = since.elapsed();
            assert!(took < timeout + Duration::from_secs(5), "{took:?}");
        };

    // While it sends. The message stays in the outbox.
    let (stop, running) = (CancellationToken::new(), service());
    let health = running.health();
    let running = tokio::spawn(running.run(stop.clone()));
    until("it runs", async || health.is_healthy()).await;
    proxy.inject(ProxyFault::Hang);
    fixture.push([Arrived { parcel: 1 }]).await;
    until("it sends", async || proxy.calls("SendMessageBatch") > 0).await;
    ends_in_time(stop, running).await;
    assert_eq!(fixture.count("outbox").await, 1);

    // While it prepares its queues.
    let stop = CancellationToken::new();
    let before = proxy.all_calls();
    let running = tokio::spawn(service().run(stop.clone()));
    until("it makes a call", async || proxy.all_calls() > before).await;
    ends_in_time(stop, running).await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_of_another_server_on_this_machine_is_short_and_waited_for() {
    let proxy = FaultyProxy::new().await;
    let transport = Transport::from(proxy.sqs_at("http://127.0.0.1:9324"));
    let parcels = quick("parcels");
    transport.ensure(&parcels, Provision::Create).await.unwrap();
    let consumer = Consumer::plain(parcels, &transport, PlainClosure(|_| async { Ok(()) }));
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    let control = proxy.control();
    let is_open = || control.waiting_receives("parcels") == Ok(1);
    until("a poll is open", async || is_open()).await;
    let since = tokio::time::Instant::now();
    stop.cancel();
    sleep(Duration::from_millis(100)).await;
    assert!(is_open(), "the shutdown waits for it");
    transport.publish(&Arrived { parcel: 1 }).await.unwrap();
    let summary = running.await.unwrap();
    assert_eq!((summary.returned, summary.lost), (1, 0), "{summary}");
    assert!(
        since.elapsed() < Duration::from_secs(2),
        "{:?}",
        since.elapsed()
    );

    // The same without a message.
    let consumer = Consumer::plain(
        quick("weights"),
        &transport,
        PlainClosure(|_| async { Ok(()) }),
    );
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

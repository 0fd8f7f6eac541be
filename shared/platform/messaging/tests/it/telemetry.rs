//! Metrics.

use std::time::Duration;

use messaging::{CallFault, Fault, Local, QueueCall};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::faulty_proxy::FaultyProxy;
use crate::fixture::{Arrived, Fixture, parcel_service, plain_consumer, publish, until};

/// The value of one series, such as `messaging_received_total{queue="parcels"}`.
fn value(metrics: &PrometheusHandle, series: &str) -> f64 {
    let rendered = metrics.render();
    let line = rendered
        .lines()
        .find(|line| line.starts_with(&format!("{series} ")));
    let line = line.unwrap_or_else(|| panic!("no {series} in\n{rendered}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_metric_counts_what_it_says() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let (metrics, _recording) = (
        recorder.handle(),
        metrics::set_default_local_recorder(&recorder),
    );
    let local = Local::new();
    let consumer = plain_consumer(&local, |parcel| async move {
        match parcel {
            0 => Err(Fault::reject("not a parcel")),
            1 => Err(Fault::retry("not now")),
            _ => Ok(()),
        }
    });
    let consumer = consumer.await;
    publish(&local, 0..20).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(consumer.run(stop.clone()));
    until("all are acknowledged", async || local.depth("parcels") == 0).await;
    stop.cancel();
    running.await.unwrap();

    let check =
        |series: &str, expected: f64| assert_eq!(value(&metrics, series), expected, "{series}");
    check("messaging_sent_total{queue=\"parcels\"}", 20.0);
    // Parcel 1 is delivered five times.
    check("messaging_received_total{queue=\"parcels\"}", 24.0);
    let outcome =
        |how: &str| format!("messaging_messages_total{{queue=\"parcels\",outcome=\"{how}\"}}");
    check(&outcome("handled"), 18.0);
    check(&outcome("rejected"), 2.0);
    check(&outcome("retried"), 4.0);
    check("messaging_handler_seconds_count{queue=\"parcels\"}", 24.0);
    check(
        "messaging_time_in_queue_seconds_count{queue=\"parcels\"}",
        24.0,
    );
    check("messaging_pollers{queue=\"parcels\"}", 0.0);
    let efficiency = value(&metrics, "messaging_received_total{queue=\"parcels\"}")
        / value(&metrics, "messaging_polls_total{queue=\"parcels\"}");
    assert!(
        (1.0..=10.0).contains(&efficiency),
        "{efficiency} messages per poll"
    );
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_with_their_retries() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let (metrics, _recording) = (
        recorder.handle(),
        metrics::set_default_local_recorder(&recorder),
    );
    let proxy = FaultyProxy::new().await;
    let transport = messaging::Transport::from(proxy.sqs());
    let parcels = crate::fixture::quick("parcels");
    transport
        .ensure(&parcels, messaging::Provision::Create)
        .await
        .unwrap();
    proxy.inject(crate::faulty_proxy::ProxyFault::Reset);
    let arrived = Arrived { parcel: 1 };
    assert!(transport.publish(&arrived).await.is_err());
    let sends = value(
        &metrics,
        "messaging_api_calls_total{action=\"SendMessageBatch\"}",
    );
    assert_eq!(sends, 3.0, "three attempts are three requests");
    assert_eq!(proxy.calls("SendMessageBatch"), 3);
}

#[tokio::test]
async fn duplicates_and_the_oldest_message_are_measured() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let (metrics, _recording) = (
        recorder.handle(),
        metrics::set_default_local_recorder(&recorder),
    );
    let fixture = Fixture::new().await;
    // Each message is sent twice.
    let local = Local::with_faults({
        let sent = std::sync::atomic::AtomicUsize::new(0);
        move |call| match call {
            QueueCall::Send if sent.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3 => {
                CallFault::Ambiguous
            }
            _ => CallFault::None,
        }
    });
    let service = parcel_service(&fixture, local.clone());
    service.prepare().await.unwrap();
    fixture.push((0..3).map(|parcel| Arrived { parcel })).await;
    tokio::time::sleep(Duration::from_millis(50)).await; // So that they have an age.
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("the duplicates are noticed", async || {
        let rendered = metrics.render();
        let duplicates = "messaging_duplicates_total{queue=\"parcels\"} 3";
        rendered.lines().any(|line| line == duplicates) && local.depth("weights") == 0
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
    let oldest = value(
        &metrics,
        "messaging_oldest_received_seconds{queue=\"parcels\"}",
    );
    assert!((0.0..60.0).contains(&oldest), "{oldest}");
    assert_eq!(fixture.records("arrived").await.len(), 3);
}

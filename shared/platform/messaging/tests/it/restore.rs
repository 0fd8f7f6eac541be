//! Queues that vanish while a service runs: created again, or reported if others own them.

use messaging::{Error, Provision, Runtime, Settings, Sqs, Transport};
use metrics_exporter_prometheus::PrometheusBuilder;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::faulty_proxy::FaultyProxy;
use crate::fixture::{Arrived, Fixture, PlainClosure, parcel_service, quick, sqs, until};

const QUEUES: [&str; 4] = ["parcels", "parcels-dlq", "weights", "weights-dlq"];

fn names(control: &sqs_local::Control) -> Vec<String> {
    let queues = control.queues().into_iter().map(|queue| queue.name);
    let mut names: Vec<_> = queues.collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_server_that_restarts_empty_gets_its_queues_and_the_outbox_again() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let fixture = Fixture::new().await;
    let (server, sqs) = sqs().await;
    let service = parcel_service(&fixture, sqs.clone());
    let health = service.health();
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture.push([Arrived { parcel: 1 }]).await;
    until("it is weighed", async || {
        fixture.records("weighed").await == [1]
    })
    .await;

    server.control().reset();
    fixture.push([Arrived { parcel: 2 }]).await;
    until("the other is weighed", async || {
        fixture.records("weighed").await == [1, 2]
    })
    .await;

    until("the service is healthy", async || health.is_healthy()).await;
    assert_eq!(names(&server.control()), QUEUES);
    for queue in ["parcels", "weights"] {
        let again = Transport::from(sqs.clone());
        again.ensure(&quick(queue), Provision::Check).await.unwrap();
        let counted = format!("messaging_queues_recreated_total{{queue=\"{queue}\"}}");
        assert!(metrics.render().contains(&counted), "{counted}");
    }
    until("none is missing", async || {
        metrics.render().contains("messaging_queues_missing 0")
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_missing_queue_that_others_own_is_reported_until_they_create_it() {
    let fixture = Fixture::new().await;
    let (server, _) = sqs().await;
    let create = async || {
        let endpoint = Settings::endpoint(server.endpoint());
        let owners = Transport::from(Sqs::connect(&endpoint).await.unwrap());
        let parcels = quick("parcels");
        let created = owners.ensure(&parcels, Provision::Create).await;
        created.unwrap();
    };
    create().await;
    let settings = Settings {
        queues: Provision::Check,
        ..Settings::endpoint(server.endpoint())
    };
    let service = Runtime::connect(&fixture.db, &settings).await.unwrap();
    let service = service.handle(quick("parcels"), PlainClosure(|_| async { Ok(()) }));
    let health = service.health();
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    until("it is ready", async || health.is_healthy()).await;

    server.control().reset();
    until("the queue is named", async || {
        let problems = health.problems();
        problems
            .iter()
            .any(|problem| problem.starts_with("the queue parcels: "))
    })
    .await;
    assert!(names(&server.control()).is_empty(), "it created nothing");

    create().await;
    until("it is ready again", async || health.is_healthy()).await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

/// Amazon refuses to create a queue within 60 s of the deletion of one with the same name.
#[tokio::test(start_paused = true)]
async fn a_deleted_queue_is_created_again_when_amazon_allows_it() {
    let proxy = FaultyProxy::new().await;
    let transport = Transport::from(proxy.sqs());
    // A database that is never reached.
    let db = PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap();
    let handler = PlainClosure(|_| async { Ok(()) });
    let service = Runtime::new(&db, transport.clone()).handle(quick("parcels"), handler);
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone()));
    until("it is created", async || {
        names(&proxy.control()) == QUEUES[..2]
    })
    .await;

    let sqs = proxy.sqs();
    for queue in &QUEUES[..2] {
        delete(&sqs, queue).await;
    }
    assert!(names(&proxy.control()).is_empty());
    let (others, parcels) = (Transport::from(sqs), quick("parcels"));
    let created = others.ensure(&parcels, Provision::Create).await;
    let too_soon = created.unwrap_err();
    assert!(matches!(&too_soon, Error::Sqs { reason, .. } if reason.contains("Recently")));

    let sent = async || transport.publish(&Arrived { parcel: 1 }).await.is_ok();
    until("messages are taken again", async || {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        sent().await
    })
    .await;
    stop.cancel();
    running.await.unwrap().unwrap();
}

async fn delete(sqs: &Sqs, queue: &str) {
    let client = sqs.client();
    let url = client.get_queue_url().queue_name(queue).send().await;
    let url = url.unwrap().queue_url.unwrap();
    client.delete_queue().queue_url(url).send().await.unwrap();
}

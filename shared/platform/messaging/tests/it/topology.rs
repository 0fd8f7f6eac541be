//! Queues are created or checked, and never changed.

use std::time::Duration;

use messaging::{Error, Provision, QueueSpec, Runtime, Settings, Sqs, Transport};

use crate::fixture::{Fixture, PlainClosure, quick, sqs};

#[tokio::test]
async fn a_queue_is_created_once_and_then_compared() {
    let (_server, sqs) = sqs().await;
    let transport = Transport::from(sqs);
    let spec = quick("parcels");
    transport.ensure(&spec, Provision::Create).await.unwrap();
    transport.ensure(&spec, Provision::Create).await.unwrap();
    transport.ensure(&spec, Provision::Check).await.unwrap();

    let other = QueueSpec {
        visibility_timeout: Duration::from_secs(60),
        delay: Duration::from_secs(5),
        ..spec
    };
    // The dead-letter queue is compared first. It differs only in the visibility timeout.
    let error = transport
        .ensure(&other, Provision::Create)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the queue `parcels-dlq` is not as expected: visibility timeout is 1 s, expected 60 s"
    );
}

#[tokio::test]
async fn a_missing_queue_is_named_where_none_may_be_created() {
    let (_server, sqs) = sqs().await;
    let checked = Transport::from(sqs)
        .ensure(&quick("parcels"), Provision::Check)
        .await;
    assert!(matches!(checked, Err(Error::NoSuchQueue { queue }) if queue == "parcels-dlq"));
}

#[tokio::test]
async fn a_fifo_queue_is_created_with_its_dead_letters() {
    let (server, sqs) = sqs().await;
    Transport::from(sqs)
        .ensure(&quick("parcels.fifo"), Provision::Create)
        .await
        .unwrap();
    let mut names: Vec<_> = server
        .control()
        .queues()
        .into_iter()
        .map(|queue| queue.name)
        .collect();
    names.sort();
    assert_eq!(names, ["parcels-dlq.fifo", "parcels.fifo"]);
}

/// A runtime that only checks its queues.
fn checked(fixture: &Fixture, sqs: &Sqs) -> impl Future<Output = Runtime> {
    let settings = Settings {
        queues: Provision::Check,
        transport: Some(sqs.clone().into()),
        ..Settings::default()
    };
    let db = fixture.db.clone();
    async move { Runtime::connect(&db, &settings).await.unwrap() }
}

#[tokio::test]
async fn a_sender_checks_the_queue_and_not_its_dead_letters() {
    let (fixture, (server, sqs)) = (Fixture::new().await, sqs().await);
    let transport = Transport::from(sqs.clone());
    let created = transport.ensure(&quick("parcels"), Provision::Create).await;
    created.unwrap();
    // Missing, as for a sender that has no right to see it.
    let client = sqs.client();
    let found = client
        .get_queue_url()
        .queue_name("parcels-dlq")
        .send()
        .await;
    let url = found.unwrap().queue_url.unwrap();
    client.delete_queue().queue_url(url).send().await.unwrap();

    // Another client, because a client caches addresses.
    let settings = Settings::endpoint(server.endpoint());
    let sqs = Sqs::connect(&settings).await.unwrap();
    let sender = checked(&fixture, &sqs).await.queues([quick("parcels")]);
    sender.prepare().await.unwrap();
    let other = QueueSpec {
        max_attempts: 7,
        ..quick("parcels")
    };
    let differs = checked(&fixture, &sqs)
        .await
        .queues([other])
        .prepare()
        .await;
    let differs = differs.unwrap_err().to_string();
    assert!(
        differs.contains("parcels-dlq after 50 receives, expected"),
        "{differs}"
    );
    assert!(
        differs.contains("parcels-dlq after 70 receives"),
        "{differs}"
    );

    let reading = PlainClosure(|_| async { Ok(()) });
    let reader = checked(&fixture, &sqs)
        .await
        .handle(quick("parcels"), reading);
    let missing = reader.prepare().await;
    assert!(
        matches!(&missing, Err(Error::NoSuchQueue { queue }) if queue == "parcels-dlq"),
        "{missing:?}"
    );
}

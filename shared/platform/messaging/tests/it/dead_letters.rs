//! Dead letters: their reason, their attributes and their redrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_sqs::types::MessageAttributeValue;
use messaging::dead_letters::{self, Selection};
use messaging::{Consumer, Fault, Handler, Provision, Runtime, Transport, Tx};
use tokio_util::sync::CancellationToken;

use crate::endpoint::Endpoint;
use crate::fixture::{Arrived, Fixture, PlainClosure, quick, record, sqs, until};

/// Rejects every message until it is repaired.
struct Broken {
    repaired: Arc<AtomicBool>,
}

impl Handler for Broken {
    type Message = Arrived;

    async fn handle(&self, tx: &mut Tx, arrived: Arrived) -> Result<(), Fault> {
        if !self.repaired.load(Ordering::SeqCst) {
            return Err(Fault::reject(format!("no scales for {}", arrived.parcel)));
        }
        Ok(record(tx, "arrived", arrived.parcel).await?)
    }
}

#[tokio::test]
async fn a_dead_letter_has_its_reason_and_a_redrive_returns_it() {
    let fixture = Fixture::new().await;
    let (_server, sqs) = sqs().await;
    let repaired = Arc::new(AtomicBool::new(false));
    let broken = Broken {
        repaired: repaired.clone(),
    };
    let service = Runtime::new(&fixture.db, sqs.clone()).handle(quick("parcels"), broken);
    let running = tokio::spawn(service.run(fixture.stop.clone()));
    fixture.push((0..15).map(|parcel| Arrived { parcel })).await;
    let waiting = async |queue: &str| {
        let depths = dead_letters::list(&sqs).await.unwrap();
        depths
            .iter()
            .find(|depth| depth.queue == queue)
            .map_or(0, |depth| depth.waiting)
    };
    until("all are dead letters", async || {
        waiting("parcels-dlq").await == 15
    })
    .await;

    let letters = dead_letters::peek(&sqs, "parcels-dlq", 100).await.unwrap();
    assert_eq!(letters.len(), 15);
    for letter in &letters {
        let reason = letter.reason.as_deref().unwrap();
        assert!(reason.starts_with("no scales for"), "{reason}");
        assert_eq!(letter.source.as_deref(), Some("parcels"));
    }
    assert_eq!(waiting("parcels-dlq").await, 15, "a peek removes nothing");

    repaired.store(true, Ordering::SeqCst);
    let one = Selection::Ids(vec![letters[4].id]);
    let redriven = dead_letters::redrive(&sqs, "parcels-dlq", &one, 1_000.0)
        .await
        .unwrap();
    assert_eq!((redriven.moved, redriven.kept), (1, 9));
    until("one is back", async || {
        fixture.records("arrived").await.len() == 1
    })
    .await;

    let all = Selection::All;
    let redriven = dead_letters::redrive(&sqs, "parcels-dlq", &all, 1_000.0)
        .await
        .unwrap();
    assert_eq!((redriven.moved, redriven.kept), (14, 0));
    until("all are back", async || {
        fixture.records("arrived").await.len() == 15
    })
    .await;
    fixture.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn any_reason_and_the_attributes_of_others_are_kept() {
    let (_server, sqs) = sqs().await;
    let transport = Transport::from(sqs.clone());
    transport
        .ensure(&quick("parcels"), Provision::Create)
        .await
        .unwrap();
    let name = sqs.full_name("parcels");
    let url = sqs
        .client()
        .get_queue_url()
        .queue_name(name)
        .send()
        .await
        .unwrap();
    let url = url.queue_url.unwrap();
    let reasons = ["", "\u{1b}[31mred\u{1b}[0m \u{0}\u{ffff}", "two\nlines"];
    for parcel in 0..reasons.len() {
        let mut send = sqs.client().send_message().queue_url(&url);
        send = send.message_body(format!(r#"{{"parcel":{parcel}}}"#));
        for n in 0..9 {
            let value = MessageAttributeValue::builder().data_type("Number");
            let value = value.string_value(n.to_string()).build().unwrap();
            send = send.message_attributes(format!("colour-{n}"), value);
        }
        send.send().await.unwrap();
    }
    let refusing =
        PlainClosure(
            move |parcel: i32| async move { Err(Fault::reject(reasons[parcel as usize])) },
        );
    let stop = CancellationToken::new();
    let running = Consumer::plain(quick("parcels"), &transport, refusing).run(stop.clone());
    let running = tokio::spawn(running);
    let letters = async || dead_letters::peek(&sqs, "parcels-dlq", 10).await.unwrap();
    until("all are dead letters", async || {
        letters().await.len() == reasons.len()
    })
    .await;
    stop.cancel();
    running.await.unwrap();

    let mut found: Vec<_> = letters()
        .await
        .into_iter()
        .map(|letter| letter.reason)
        .collect();
    found.sort();
    let expected = [
        "\u{fffd}[31mred\u{fffd}[0m \u{fffd}\u{fffd}",
        "no reason was given",
        "two\nlines",
    ];
    let mut expected = expected.map(|reason| Some(reason.to_owned()));
    expected.sort();
    assert_eq!(found, expected);

    // All nine attributes are kept, and the reason is the tenth.
    let count = async |queue: &str| {
        let name = sqs.full_name(queue);
        let url = sqs
            .client()
            .get_queue_url()
            .queue_name(name)
            .send()
            .await
            .unwrap();
        let receive = sqs.client().receive_message().set_queue_url(url.queue_url);
        let received = receive.message_attribute_names("All").send().await.unwrap();
        let attributes = received
            .messages
            .unwrap()
            .remove(0)
            .message_attributes
            .unwrap();
        attributes
            .keys()
            .filter(|name| name.starts_with("colour-"))
            .count()
    };
    assert_eq!(count("parcels-dlq").await, 9);
}

#[tokio::test]
async fn a_redrive_ends_when_it_has_found_or_seen_all() {
    let endpoint = Endpoint::new().await;
    let refusing = endpoint
        .consume(|_| async { Err(Fault::reject("not today")) })
        .await;
    endpoint.publish(0..30).await;
    until("all are dead letters", async || {
        endpoint.depth("parcels-dlq").await == 30
    })
    .await;

    // The handler still rejects, so all become dead letters again while they are moved.
    let all = dead_letters::redrive(&endpoint.sqs, "parcels-dlq", &Selection::All, 2.0);
    let all = tokio::time::timeout(Duration::from_secs(600), all).await;
    let redriven = all.expect("it moves them again and again").unwrap();
    assert_eq!(redriven.moved, 30, "each once");
    assert_eq!(
        redriven.kept, 0,
        "a message that becomes a dead letter again is not counted again"
    );

    // So slowly that the first ones become visible again.
    let missing = Selection::Ids(vec![uuid::Uuid::nil()]);
    let none = dead_letters::redrive(&endpoint.sqs, "parcels-dlq", &missing, 1.0);
    let none = tokio::time::timeout(Duration::from_secs(600), none).await;
    assert_eq!(none.expect("it searches for ever").unwrap().moved, 0);
    refusing.end().await;
    endpoint.end().await;
}

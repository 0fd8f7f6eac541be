//! Messages of other senders: dead-lettering and redrive keep all of their attributes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName as System,
    MessageSystemAttributeNameForSends as SystemForSends, MessageSystemAttributeValue,
};
use messaging::dead_letters::{self, DeadLetter, Selection};
use messaging::{Consumer, Fault, Provision, QueueSpec, Sqs, Transport};
use sqs_local::SqsLocal;
use tokio_util::sync::CancellationToken;

use crate::fixture::{PlainClosure, sqs, until};

const MEBIBYTE: usize = 1024 * 1024;
const TRACE: &str = "Root=1-67891233-abcdef012345678912345678;Sampled=1";

/// Creates the queue `parcels`, and returns its address.
async fn parcels_queue() -> (SqsLocal, Sqs, String) {
    let (server, sqs) = sqs().await;
    let transport = Transport::from(sqs.clone());
    transport
        .ensure(&QueueSpec::new("parcels"), Provision::Create)
        .await
        .unwrap();
    let found = sqs.client().get_queue_url().queue_name("parcels");
    let url = found.send().await.unwrap().queue_url.unwrap();
    (server, sqs, url)
}

/// Rejects parcels until `count` are dead letters. Returns the number of handler calls, and the
/// dead letters.
async fn refuse(sqs: &Sqs, count: usize) -> (usize, Vec<DeadLetter>) {
    let handled = Arc::new(AtomicUsize::new(0));
    let counted = handled.clone();
    let refusing = PlainClosure(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Err(Fault::reject("no such street, and no such town either")) }
    });
    let stop = CancellationToken::new();
    let transport = Transport::from(sqs.clone());
    let consumer = Consumer::plain(QueueSpec::new("parcels"), &transport, refusing);
    let running = tokio::spawn(consumer.run(stop.clone()));
    let depth = async |queue: &str| {
        let depths = dead_letters::list(sqs).await.unwrap();
        let depth = depths.iter().find(|depth| depth.queue == queue).unwrap();
        depth.waiting + depth.in_flight
    };
    until(
        "all are dead letters, or are handled again and again",
        async || {
            let dead = depth("parcels-dlq").await == count as u64 && depth("parcels").await == 0;
            dead || handled.load(Ordering::SeqCst) > 2 * count
        },
    )
    .await;
    stop.cancel();
    running.await.unwrap();
    let letters = dead_letters::peek(sqs, "parcels-dlq", count).await.unwrap();
    (handled.load(Ordering::SeqCst), letters)
}

#[tokio::test]
async fn a_message_without_room_for_the_reason_becomes_a_dead_letter_and_is_handled_once() {
    let (_server, sqs, url) = parcels_queue().await;
    // No room; room for a part of the reason; room for the reason but not for the id.
    let rooms = [0, 1, 40, 90];
    for room in rooms {
        let body = format!(r#"{{"parcel":{room}}}"#);
        let blanks = " ".repeat(MEBIBYTE - room - body.len());
        let send = sqs.client().send_message().queue_url(&url);
        send.message_body(body + &blanks).send().await.unwrap();
    }
    let (handled, letters) = refuse(&sqs, rooms.len()).await;
    assert_eq!((handled, letters.len()), (rooms.len(), rooms.len()));
    let reason = |room: usize| {
        let letter = letters
            .iter()
            .find(|letter| letter.body.len() == MEBIBYTE - room);
        letter.unwrap().reason.as_deref()
    };
    assert_eq!(reason(0), None);
    assert_eq!(reason(1), None);
    assert_eq!(reason(40), Some("no such street, "));
    let whole = "no such street, and no such town either";
    assert_eq!(reason(90), Some(whole));
}

#[tokio::test]
async fn an_array_in_place_of_an_object_is_a_dead_letter() {
    let (_server, sqs, url) = parcels_queue().await;
    let send = sqs.client().send_message().queue_url(&url);
    send.message_body("[7]").send().await.unwrap();
    let (handled, letters) = refuse(&sqs, 1).await;
    assert_eq!(handled, 0);
    let reason = letters[0].reason.as_deref().unwrap();
    assert!(
        reason.contains("invalid type: sequence, expected struct Arrived"),
        "{reason}"
    );
}

fn attribute(data_type: &str, text: &str) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder().data_type(data_type);
    let value = match data_type.starts_with("Binary") {
        true => value.binary_value(Blob::new(text)),
        false => value.string_value(text),
    };
    value.build().unwrap()
}

/// A message's body, attributes, group and trace header.
type Content = (
    String,
    HashMap<String, MessageAttributeValue>,
    Option<String>,
    Option<String>,
);

fn content(message: Message) -> Content {
    let system = message.attributes.unwrap_or_default();
    (
        message.body.unwrap(),
        message.message_attributes.unwrap_or_default(),
        system.get(&System::MessageGroupId).cloned(),
        system.get(&System::AwsTraceHeader).cloned(),
    )
}

#[tokio::test]
async fn a_message_that_is_rejected_and_redriven_is_unchanged() {
    let (_server, sqs, url) = parcels_queue().await;
    let mut ten = HashMap::from([
        ("message-id".to_owned(), attribute("String", "no UUID")),
        ("traceparent".to_owned(), attribute("Binary", "\u{0}\u{1}")),
        (
            "kind".to_owned(),
            attribute("String.slug", "parcel-arrived"),
        ),
        ("weight".to_owned(), attribute("Number.grams", "7.50")),
        ("photo".to_owned(), attribute("Binary.jpeg", "\u{ff}\u{d8}")),
    ]);
    ten.extend((0..5).map(|n| (format!("colour-{n}"), attribute("String", "r\u{f6}tlich"))));
    let body = "{ \"parcel\": 1,\t\"note\": \"\u{1f4e6} \\u00e9 </b>\" }\n";
    let send = sqs.client().send_message().queue_url(&url);
    let header = MessageSystemAttributeValue::builder().data_type("String");
    let header = header.string_value(TRACE).build().unwrap();
    let send = send
        .message_body(body)
        .set_message_attributes(Some(ten.clone()));
    let send = send.message_system_attributes(SystemForSends::AwsTraceHeader, header);
    send.message_group_id("group-7").send().await.unwrap();

    let (handled, _) = refuse(&sqs, 1).await;
    assert_eq!(handled, 1);
    let redriven = dead_letters::redrive(&sqs, "parcels-dlq", &Selection::All, 1e3).await;
    assert_eq!(redriven.unwrap().moved, 1);
    let receive = sqs.client().receive_message().queue_url(&url);
    let receive = receive.message_attribute_names("All");
    let receive = receive.message_system_attribute_names(System::All);
    let received = receive.send().await.unwrap().messages.unwrap().remove(0);
    let (group, trace) = (Some("group-7".to_owned()), Some(TRACE.to_owned()));
    assert_eq!(content(received), (body.to_owned(), ten, group, trace));
}

#[tokio::test]
async fn a_message_with_room_is_redriven_with_its_id() {
    let (_server, sqs, url) = parcels_queue().await;
    let weight = ("weight".to_owned(), attribute("Number", "7"));
    let send = sqs.client().send_message().queue_url(&url);
    let send = send.set_message_attributes(Some(HashMap::from([weight.clone()])));
    send.message_body(r#"{"parcel":1}"#).send().await.unwrap();
    let (_, letters) = refuse(&sqs, 1).await;
    assert_eq!(letters[0].source.as_deref(), Some("parcels"));
    let redriven = dead_letters::redrive(&sqs, "parcels-dlq", &Selection::All, 1e3).await;
    assert_eq!(redriven.unwrap().moved, 1);

    let receive = sqs.client().receive_message().queue_url(&url);
    let receive = receive.message_attribute_names("All");
    let received = receive.send().await.unwrap().messages.unwrap().remove(0);
    let id = (
        "message-id".to_owned(),
        attribute("String", &letters[0].id.to_string()),
    );
    let attributes = HashMap::from([weight, id]);
    assert_eq!(received.message_attributes, Some(attributes));
}

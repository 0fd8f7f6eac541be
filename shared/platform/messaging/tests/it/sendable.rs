//! Messages that SQS would refuse.

use messaging::{Error, Outbox, Provision, Transport};

use crate::fixture::{Fixture, quick, sqs};
use crate::messages::{Odd, PLAIN};

#[tokio::test]
async fn a_message_that_no_queue_would_accept_is_refused_by_the_push() {
    let fixture = Fixture::new().await;
    let long = "k".repeat(129).leak();
    for key in ["", "a key", "schl\u{fc}ssel", long] {
        let odd = Odd {
            key: Some(key),
            ..PLAIN
        };
        let mut tx = Outbox::new(&fixture.db).begin().await.unwrap();
        let refused = tx.push(&odd);
        assert!(
            matches!(refused, Err(Error::Unsendable { .. })),
            "{key}: {refused:?}"
        );
    }
    let mebibyte = Odd {
        content: "x".repeat(1024 * 1024),
        ..PLAIN
    };
    let mut tx = Outbox::new(&fixture.db).begin().await.unwrap();
    let refused = tx.push(&mebibyte);
    assert!(
        matches!(refused, Err(Error::Unsendable { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn characters_that_sqs_refuses_are_sent_escaped() {
    let (_server, sqs) = sqs().await;
    let transport = Transport::from(sqs.clone());
    transport
        .ensure(&quick("later"), Provision::Create)
        .await
        .unwrap();
    let odd = Odd {
        content: "\u{fffe} \u{ffff} \u{1}".into(),
        ..PLAIN
    };
    transport.publish(&odd).await.unwrap();
    let letters = messaging::dead_letters::peek(&sqs, "later", 1)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_str(&letters[0].body).unwrap();
    assert_eq!(body["content"], odd.content);
}

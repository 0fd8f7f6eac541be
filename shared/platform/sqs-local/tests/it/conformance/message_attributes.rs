//! Message attributes: which ones a sender may set, and which ones a receive returns.

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;

use super::*;

fn value(data_type: &str, text: &str) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder().data_type(data_type);
    value.string_value(text).build().unwrap()
}

/// The error for a message with this attribute.
async fn refusal(name: &str, value: MessageAttributeValue) -> String {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = sqs.client.send_message().queue_url(&url).message_body("x");
    let error = refused(send.message_attributes(name, value).send().await);
    error
        .strip_prefix("InvalidParameterValue: ")
        .unwrap()
        .into()
}

#[tokio::test]
async fn only_the_requested_attributes_are_returned() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("VisibilityTimeout", "0")]).await;
    let mut send = sqs.client.send_message().queue_url(&url).message_body("x");
    for name in ["trace.id", "trace.flags", "other"] {
        send = send.message_attributes(name, value("String", "x"));
    }
    send.send().await.unwrap();

    for (requested, expected) in [
        (&["trace.*"][..], 2),
        (&["trace.id"], 1),
        (&["other", "trace.id"], 2),
        (&["other", "none"], 1),
        (&[".*"], 3),
        (&["none"], 0),
        (&["Other"], 0),
        (&["other", "All"], 3),
        (&["All"], 3),
        (&[], 0),
    ] {
        let names = requested.iter().map(ToString::to_string).collect();
        let receive = sqs
            .client
            .receive_message()
            .queue_url(&url)
            .wait_time_seconds(1);
        let receive = receive.set_message_attribute_names(Some(names));
        let answer = receive.send().await.unwrap();
        let message = &answer.messages()[0];
        let count = message.message_attributes().map_or(0, HashMap::len);
        assert_eq!(count, expected, "{requested:?}");
        // The digest covers the returned attributes, so that the SDK can check it.
        assert_eq!(message.md5_of_message_attributes().is_some(), count > 0);
        assert!(message.attributes().is_none());
    }
}

#[tokio::test]
async fn attributes_have_names() {
    let reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. \
                    These strings are reserved for internal use. Additionally, they cannot start \
                    or end with '.'.";
    for name in ["AWS.x", "aws.x", "Amazon.x", "AMAZON.x", ".x", "x.", "x..y"] {
        assert_eq!(
            refusal(name, value("String", "x")).await,
            reserved,
            "{name}"
        );
    }
    for name in ["a b", "a/b", "a!", "§", "(a)", "a?"] {
        let expected = format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, \
             0-9, underscore (_), hyphen (-), and period (.) characters."
        );
        assert_eq!(refusal(name, value("String", "x")).await, expected);
    }
    assert_eq!(
        refusal("", value("String", "x")).await,
        "The request must contain non-empty message (user) attribute names."
    );
    assert_eq!(
        refusal(&"x".repeat(257), value("String", "x")).await,
        "Message (user) attribute names must be shorter than 256 Bytes"
    );
}

#[tokio::test]
async fn names_may_have_letters_and_digits_of_any_script() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for name in ["attr.1øßä", "名前", "τιμή_٣"] {
        let send = sqs.client.send_message().queue_url(&url).message_body("x");
        let send = send.message_attributes(name, value("String", "x"));
        let sent = send.send().await.unwrap();
        let message = sqs.receive(&url).await.remove(0);
        assert!(message.message_attributes().unwrap().contains_key(name));
        let digest = message.md5_of_message_attributes();
        assert_eq!(digest, sent.md5_of_message_attributes());
    }
}

#[tokio::test]
async fn attributes_have_types() {
    for kind in ["Text", "string", "Integer", "StringList"] {
        assert_eq!(
            refusal("a", value(kind, "x")).await,
            "The message attribute 'a' has an invalid message attribute type, the set of supported \
             type prefixes is Binary, Number, and String."
        );
    }
    assert_eq!(
        refusal("a", value("", "x")).await,
        "The message attribute 'a' must contain non-empty message attribute type."
    );
    let long = format!("String.{}", "x".repeat(250));
    assert_eq!(
        refusal("a", value(&long, "x")).await,
        "Message (user) attribute types must be shorter than 256 Bytes"
    );
}

#[tokio::test]
async fn attributes_have_values_of_their_type() {
    assert_eq!(
        refusal("a", value("String", "")).await,
        "Message (user) attribute 'a' must contain a non-empty value of type 'String'."
    );
    assert_eq!(
        refusal("a", value("String.label", "")).await,
        "Message (user) attribute 'a' must contain a non-empty value of type 'String'."
    );
    assert_eq!(
        refusal("a", value("Binary", "x")).await,
        "The message attribute 'a' with type 'Binary' must use field 'Binary'."
    );
    let bytes = MessageAttributeValue::builder().data_type("String");
    let bytes = bytes.binary_value(Blob::new("x")).build().unwrap();
    assert_eq!(
        refusal("a", bytes).await,
        "The message attribute 'a' with type 'String' must use field 'String'."
    );
    let empty = MessageAttributeValue::builder()
        .data_type("")
        .build()
        .unwrap();
    assert_eq!(
        refusal("a", empty).await,
        "The message (user) attribute 'a' must contain a non-empty message attribute value."
    );
    assert_eq!(
        refusal("a", value("String", "a\u{1}")).await,
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
         #xE000 to #xFFFD | #x10000 to #x10FFFF"
    );
}

#[tokio::test]
async fn numbers_are_numbers() {
    for text in [
        "ten",
        "",
        "1,5",
        "0x10",
        "inf",
        "NaN",
        "1e127",
        &"9".repeat(39),
    ] {
        let expected = match text {
            "" => "Message (user) attribute 'n' must contain a non-empty value of type 'Number'.",
            _ => "Can't cast the value of message (user) attribute 'n' to a number.",
        };
        assert_eq!(
            refusal("n", value("Number", text)).await,
            expected,
            "{text}"
        );
    }
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for text in ["0", "-1.5", "1e3", "1E-10", "0012", &"9".repeat(38)] {
        let send = sqs.client.send_message().queue_url(&url).message_body("x");
        let send = send.message_attributes("n", value("Number.custom", text));
        send.send().await.unwrap();
        let message = sqs.receive(&url).await.remove(0);
        let number = &message.message_attributes().unwrap()["n"];
        assert_eq!(number.string_value(), Some(text), "as it was written");
        assert_eq!(number.data_type(), "Number.custom");
    }
}

#[tokio::test]
async fn a_message_has_at_most_ten_attributes() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = |count: usize| {
        let mut send = sqs.client.send_message().queue_url(&url).message_body("x");
        for i in 0..count {
            send = send.message_attributes(format!("a{i}"), value("Number", "1.5"));
        }
        send.send()
    };
    send(10).await.unwrap();
    assert_eq!(
        refused(send(11).await),
        "InvalidParameterValue: Number of message attributes [11] exceeds the allowed maximum [10]."
    );
}

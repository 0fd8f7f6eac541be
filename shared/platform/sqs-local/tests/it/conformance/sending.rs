//! Sends: which messages are accepted, and what the answers contain.

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};

use super::*;

fn trace(value: &str) -> MessageSystemAttributeValue {
    let value = MessageSystemAttributeValue::builder().string_value(value);
    value.data_type("String").build().unwrap()
}

#[tokio::test]
async fn a_message_is_received_as_it_was_sent() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let text = MessageAttributeValue::builder().data_type("String.label");
    let bytes = MessageAttributeValue::builder().data_type("Binary");
    let body = "line\n\ttab \"quoted\" \\ ünïcode \u{1F600}";

    let send = sqs.client.send_message().queue_url(&url).message_body(body);
    let send = send.message_attributes("text", text.string_value("värde").build().unwrap());
    let bytes = bytes.binary_value(Blob::new([0, 255])).build().unwrap();
    let sent = send
        .message_attributes("bytes", bytes)
        .send()
        .await
        .unwrap();
    let message = sqs.receive(&url).await.remove(0);

    // The SDK has checked the body's MD5 itself.
    assert_eq!(message.body(), Some(body));
    assert_eq!(message.message_id(), sent.message_id());
    let digest = sent.md5_of_message_attributes();
    assert_eq!(message.md5_of_message_attributes(), digest);
    let attributes = message.message_attributes().unwrap();
    assert_eq!(attributes["text"].string_value(), Some("värde"));
    assert_eq!(attributes["text"].data_type(), "String.label");
    let bytes = attributes["bytes"].binary_value().unwrap();
    assert_eq!(bytes.as_ref(), [0, 255]);
}

#[tokio::test]
async fn bodies_of_every_kind_arrive_unchanged() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for body in [
        " ",
        "\t\n\r",
        "<a href=\"x\">&quot;&#xD;</a>",
        "{\"json\": [1, \"\\u00e9\"]}",
        "\\ \\\\ \\n",
        "\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}",
        "\u{7F}\u{80}",
    ] {
        sqs.send(&url, body).await;
        let message = sqs.receive(&url).await.remove(0);
        assert_eq!(message.body(), Some(body));
        sqs.delete(&url, &message).await;
    }
}

#[tokio::test]
async fn the_digests_equal_amazons() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = sqs
        .client
        .send_message()
        .queue_url(&url)
        .message_body("Test Message");
    let hello = MessageAttributeValue::builder().data_type("String");
    let send = send.message_attributes("Hello", hello.string_value("World").build().unwrap());
    let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
    let send = send.message_system_attributes(name, trace("some-trace-id"));
    let sent = send.send().await.unwrap();
    let body = sent.md5_of_message_body();
    assert_eq!(body, Some("d1d4180b7e411c4be86b00fb2ee103eb"));
    let attributes = sent.md5_of_message_attributes();
    assert_eq!(attributes, Some("7db7fb1ba7f41366a8ea5eb18220b26d"));
    let system = sent.md5_of_message_system_attributes();
    assert_eq!(system, Some("fdce4f2818803f2f73becc09a54792c0"));
}

#[tokio::test]
async fn absent_attributes_have_no_digest() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = sqs.client.send_message().queue_url(&url).message_body("x");
    let sent = send.send().await.unwrap();
    assert_eq!(sent.md5_of_message_attributes(), None);
    assert_eq!(sent.md5_of_message_system_attributes(), None);
    assert_eq!(sent.sequence_number(), None);
    assert_eq!(sent.message_id().unwrap().len(), 36);
}

#[tokio::test]
async fn the_trace_header_is_the_one_system_attribute_of_a_sender() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = |name: &str, value| {
        let send = sqs.client.send_message().queue_url(&url).message_body("x");
        send.message_system_attributes(name.into(), value).send()
    };
    send("AWSTraceHeader", trace("Root=1-2-3")).await.unwrap();
    let message = sqs.receive(&url).await.remove(0);
    assert_eq!(system(&message, "AWSTraceHeader"), Some("Root=1-2-3"));

    let other = send("SenderId", trace("me")).await;
    assert_eq!(
        refused(other),
        "InvalidParameterValue: Message system attribute name 'SenderId' is invalid."
    );
    let number = MessageSystemAttributeValue::builder().data_type("Number");
    let number = number.string_value("1").build().unwrap();
    assert_eq!(
        refused(send("AWSTraceHeader", number).await),
        "InvalidParameterValue: The message system attribute 'AWSTraceHeader' must be of type \
         'String'."
    );
}

#[tokio::test]
async fn a_message_needs_a_body() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let text = "MissingParameter: The request must contain the parameter MessageBody.";
    let send = || sqs.client.send_message().queue_url(&url);
    assert_eq!(refused(send().send().await), text);
    assert_eq!(refused(send().message_body("").send().await), text);
}

#[tokio::test]
async fn a_message_of_one_mebibyte_passes_and_one_byte_more_does_not() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = |length| {
        let send = sqs.client.send_message().queue_url(&url);
        send.message_body("x".repeat(length)).send()
    };
    send(1024 * 1024).await.unwrap();
    assert_eq!(
        refused(send(1024 * 1024 + 1).await),
        "InvalidParameterValue: One or more parameters are invalid. Reason: Message must be \
         shorter than 1048576 bytes."
    );
    let message = sqs.receive(&url).await.remove(0);
    assert_eq!(message.body().unwrap().len(), 1024 * 1024);
}

#[tokio::test]
async fn attributes_count_toward_the_size_and_the_queue_may_allow_less() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("MaximumMessageSize", "1024")]).await;
    let send = |body: usize, value: usize| {
        let attribute = MessageAttributeValue::builder().data_type("String");
        let attribute = attribute.string_value("x".repeat(value)).build().unwrap();
        let send = sqs.client.send_message().queue_url(&url);
        let send = send.message_body("x".repeat(body));
        send.message_attributes("name", attribute).send()
    };
    // Name, type and value: 4 + 6 + 100.
    send(1024 - 110, 100).await.unwrap();
    let text = "InvalidParameterValue: One or more parameters are invalid. Reason: Message must \
                 be shorter than 1024 bytes.";
    assert_eq!(refused(send(1024 - 109, 100).await), text);
    sqs.set(&url, &[("MaximumMessageSize", "2048")]).await;
    send(1024, 100).await.unwrap();
}

#[tokio::test]
async fn messages_with_characters_xml_does_not_know_are_refused() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for body in [
        "\u{0}", "a\u{1B}b", "\u{8}", "\u{B}", "\u{FFFE}", "\u{FFFF}",
    ] {
        let send = sqs.client.send_message().queue_url(&url).message_body(body);
        assert_eq!(
            refused(send.send().await),
            "InvalidMessageContents: Invalid characters found. Valid unicode characters are #x9 | \
             #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
            "{body:?}"
        );
    }
}

#[tokio::test]
async fn a_messages_own_delay_has_precedence_over_the_queues() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("DelaySeconds", "900")]).await;
    sqs.send(&url, "late").await;
    let now = sqs
        .client
        .send_message()
        .queue_url(&url)
        .message_body("now");
    now.delay_seconds(0).send().await.unwrap();
    assert_eq!(bodies(&sqs.receive(&url).await), ["now"]);
    let delayed = sqs
        .attribute(&url, "ApproximateNumberOfMessagesDelayed")
        .await;
    assert_eq!(delayed.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_delay_is_at_most_fifteen_minutes() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for (seconds, text) in [(901, "901"), (-1, "-1")] {
        let send = sqs.client.send_message().queue_url(&url).message_body("x");
        assert_eq!(
            refused(send.delay_seconds(seconds).send().await),
            invalid(
                "DelaySeconds",
                text,
                "DelaySeconds must be >= 0 and <= 900."
            )
        );
    }
}

#[tokio::test]
async fn a_standard_queue_takes_groups_but_no_deduplication_ids() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = || sqs.client.send_message().queue_url(&url).message_body("x");
    let error = refused(send().message_deduplication_id("d").send().await);
    let reason = "The request include parameter that is not valid for this queue type.";
    assert_eq!(error, invalid("MessageDeduplicationId", "d", reason));

    let sent = send().message_group_id("tenant").send().await.unwrap();
    assert_eq!(sent.sequence_number(), None);
    let message = sqs.receive(&url).await.remove(0);
    assert_eq!(system(&message, "MessageGroupId"), Some("tenant"));
    assert_eq!(system(&message, "SequenceNumber"), None);
    let odd = refused(send().message_group_id("no spaces").send().await);
    let reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to \
                  128 in length.";
    assert_eq!(odd, invalid("MessageGroupId", "no spaces", reason));
}

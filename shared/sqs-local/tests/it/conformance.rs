//! What any SQS does, through Amazon's own SDK.

use std::time::{Duration, Instant};

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

use super::support::{Endpoint, unique};

impl Endpoint {
    async fn send(&self, url: &str, body: &str) {
        self.client
            .send_message()
            .queue_url(url)
            .message_body(body)
            .send()
            .await
            .unwrap();
    }

    async fn send_to_group(&self, url: &str, group: &str, body: &str) -> String {
        let send = self.client.send_message().queue_url(url).message_body(body);
        send.message_group_id(group)
            .send()
            .await
            .unwrap()
            .sequence_number
            .unwrap()
    }

    /// Receives up to ten messages, waiting a moment for the first.
    async fn receive(&self, url: &str) -> Vec<Message> {
        let receive = self
            .client
            .receive_message()
            .queue_url(url)
            .wait_time_seconds(1);
        let receive = receive
            .max_number_of_messages(10)
            .message_attribute_names("All");
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    async fn delete(&self, url: &str, message: &Message) {
        let delete = self.client.delete_message().queue_url(url);
        delete.receipt_handle(handle(message)).send().await.unwrap();
    }

    async fn change(&self, url: &str, message: &Message, seconds: i32) {
        let change = self.client.change_message_visibility().queue_url(url);
        let change = change
            .receipt_handle(handle(message))
            .visibility_timeout(seconds);
        change.send().await.unwrap();
    }

    async fn attribute(&self, url: &str, name: QueueAttributeName) -> Option<String> {
        let get = self.client.get_queue_attributes().queue_url(url);
        let answer = get.attribute_names(name.clone()).send().await.unwrap();
        answer.attributes.unwrap_or_default().remove(&name)
    }
}

fn handle(message: &Message) -> &str {
    message.receipt_handle().unwrap()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.body().unwrap())
        .collect()
}

fn system(message: &Message, name: MessageSystemAttributeName) -> Option<&str> {
    message.attributes()?.get(&name).map(String::as_str)
}

/// The error's code and words.
fn refused<T, E, R>(result: Result<T, SdkError<E, R>>) -> (String, String)
where
    E: ProvideErrorMetadata,
{
    let Err(error) = result else {
        panic!("it was not refused")
    };
    (
        error.code().unwrap_or_default().into(),
        error.message().unwrap_or_default().into(),
    )
}

#[tokio::test]
async fn a_message_comes_back_as_it_was_sent() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let text = MessageAttributeValue::builder()
        .data_type("String.label")
        .string_value("värde");
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary")
        .binary_value(Blob::new([0, 255]));
    let body = "line\n\ttab \"quoted\" \\ ünïcode \u{1F600}";

    let send = sqs.client.send_message().queue_url(&url).message_body(body);
    let send = send.message_attributes("text", text.build().unwrap());
    let sent = send
        .message_attributes("bytes", bytes.build().unwrap())
        .send()
        .await
        .unwrap();
    let message = sqs.receive(&url).await.remove(0);

    // The SDK has checked the body's MD5 itself.
    assert_eq!(message.body(), Some(body));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(
        message.md5_of_message_attributes(),
        sent.md5_of_message_attributes()
    );
    let attributes = message.message_attributes().unwrap();
    assert_eq!(attributes["text"].string_value(), Some("värde"));
    assert_eq!(
        attributes["bytes"].binary_value().unwrap().as_ref(),
        [0, 255]
    );
    assert_eq!(
        system(
            &message,
            MessageSystemAttributeName::ApproximateReceiveCount
        ),
        Some("1")
    );
}

#[tokio::test]
async fn only_the_attributes_asked_for_come_along() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("VisibilityTimeout", "0")]).await;
    let value = || {
        MessageAttributeValue::builder()
            .data_type("String")
            .string_value("x")
    };
    let mut send = sqs.client.send_message().queue_url(&url).message_body("x");
    for name in ["trace.id", "trace.flags", "other"] {
        send = send.message_attributes(name, value().build().unwrap());
    }
    send.send().await.unwrap();

    for (wanted, expected) in [
        ("trace.*", 2),
        ("other", 1),
        (".*", 3),
        ("none", 0),
        ("All", 3),
    ] {
        let receive = sqs
            .client
            .receive_message()
            .queue_url(&url)
            .wait_time_seconds(1);
        let answer = receive
            .message_attribute_names(wanted)
            .send()
            .await
            .unwrap();
        let message = &answer.messages()[0];
        let count = message
            .message_attributes()
            .map_or(0, |attributes| attributes.len());
        assert_eq!(count, expected, "{wanted}");
        assert!(message.attributes().is_none());
    }
}

#[tokio::test]
async fn a_missing_queue_is_a_typed_error() {
    let sqs = Endpoint::open().await;
    let result = sqs
        .client
        .get_queue_url()
        .queue_name(unique(""))
        .send()
        .await;
    let error = result.unwrap_err().into_service_error();
    assert!(
        matches!(error, GetQueueUrlError::QueueDoesNotExist(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn creating_a_queue_again_is_fine_unless_an_attribute_differs() {
    let sqs = Endpoint::open().await;
    let name = unique("");
    let create = |seconds: &str| {
        let create = sqs.client.create_queue().queue_name(&name);
        create
            .attributes(QueueAttributeName::VisibilityTimeout, seconds)
            .send()
    };
    let first = create("10").await.unwrap();
    assert_eq!(create("10").await.unwrap().queue_url, first.queue_url);

    let error = create("11").await.unwrap_err().into_service_error();

    assert!(error.is_queue_name_exists(), "{error:?}");
}

#[tokio::test]
async fn attributes_out_of_range_are_refused() {
    let sqs = Endpoint::open().await;
    for (name, value) in [
        ("DelaySeconds", "901"),
        ("VisibilityTimeout", "43201"),
        ("MessageRetentionPeriod", "59"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("MaximumMessageSize", "1023"),
        ("VisibilityTimeout", "soon"),
    ] {
        let create = sqs.client.create_queue().queue_name(unique(""));
        let result = create.attributes(name.into(), value).send().await;
        assert_eq!(refused(result).0, "InvalidAttributeValue", "{name}={value}");
    }
    let create = sqs.client.create_queue().queue_name(unique(""));
    let result = create.attributes("Colour".into(), "blue").send().await;
    assert_eq!(refused(result).0, "InvalidAttributeName");
    for name in ["", "no/slash", &"x".repeat(81), "only-fifo.fifo"] {
        let result = sqs.client.create_queue().queue_name(name).send().await;
        assert_eq!(refused(result).0, "InvalidParameterValue", "{name}");
    }
}

#[tokio::test]
async fn queues_are_listed_by_prefix_and_page_by_page() {
    let sqs = Endpoint::open().await;
    let prefix = unique("");
    for i in 0..5 {
        sqs.client
            .create_queue()
            .queue_name(format!("{prefix}-{i}"))
            .send()
            .await
            .unwrap();
    }
    let (mut urls, mut pages, mut token) = (Vec::new(), 0, None);
    loop {
        let list = sqs
            .client
            .list_queues()
            .queue_name_prefix(&prefix)
            .max_results(2);
        let page = list.set_next_token(token).send().await.unwrap();
        urls.extend(page.queue_urls.unwrap_or_default());
        pages += 1;
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    urls.sort();
    urls.dedup();
    assert_eq!((urls.len(), pages), (5, 3));
}

#[tokio::test]
async fn a_received_message_is_hidden_until_it_is_given_back() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    sqs.send(&url, "x").await;
    let first = sqs.receive(&url).await.remove(0);
    assert!(sqs.receive(&url).await.is_empty());

    sqs.change(&url, &first, 0).await;
    let second = sqs.receive(&url).await.remove(0);

    assert_ne!(first.receipt_handle(), second.receipt_handle());
    assert_eq!(
        system(&second, MessageSystemAttributeName::ApproximateReceiveCount),
        Some("2")
    );
    sqs.delete(&url, &second).await;
    sqs.delete(&url, &second).await;
    assert_eq!(
        sqs.attribute(
            &url,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible
        )
        .await,
        Some("0".into())
    );
}

#[tokio::test]
async fn a_long_poll_wakes_at_a_send() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let poll = sqs
        .client
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20)
        .send();
    let send = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqs.send(&url, "x").await;
        Instant::now()
    };

    let (answer, sent) = tokio::join!(poll, send);

    assert_eq!(answer.unwrap().messages().len(), 1);
    assert!(sent.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn each_entry_of_a_batch_succeeds_or_fails_by_itself() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = |id: &str, delay: i32| {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(id);
        entry.delay_seconds(delay).build().unwrap()
    };
    let batch = sqs.client.send_message_batch().queue_url(&url);
    let sent = batch
        .entries(send("good", 0))
        .entries(send("bad", 901))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.successful()[0].id(), "good");
    assert_eq!(
        (sent.failed()[0].id(), sent.failed()[0].code()),
        ("bad", "InvalidParameterValue")
    );
    assert!(sent.failed()[0].sender_fault());
    let message = sqs.receive(&url).await.remove(0);

    let change = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        entry
            .receipt_handle(handle)
            .visibility_timeout(60)
            .build()
            .unwrap()
    };
    let batch = sqs.client.change_message_visibility_batch().queue_url(&url);
    let batch = batch
        .entries(change("good", handle(&message)))
        .entries(change("bad", "junk"));
    let changed = batch.send().await.unwrap();
    assert_eq!(
        (changed.successful().len(), changed.failed()[0].id()),
        (1, "bad")
    );

    let delete = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder()
            .id(id)
            .receipt_handle(handle);
        entry.build().unwrap()
    };
    let batch = sqs.client.delete_message_batch().queue_url(&url);
    let batch = batch
        .entries(delete("good", handle(&message)))
        .entries(delete("bad", "junk"));
    let deleted = batch.send().await.unwrap();
    assert_eq!(deleted.successful().len(), 1);
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_batch_that_is_wrong_as_a_whole_is_refused() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let entry = |id: String, body: &str| {
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body)
            .build()
            .unwrap()
    };
    let send = |entries: Vec<_>| {
        sqs.client
            .send_message_batch()
            .queue_url(&url)
            .set_entries(Some(entries))
            .send()
    };
    let same = |count: usize, id: &str| vec![entry(id.into(), "x"); count];

    let empty = send(vec![]).await.unwrap_err().into_service_error();
    assert!(empty.is_empty_batch_request(), "{empty:?}");
    let many = (0..11).map(|id| entry(id.to_string(), "x")).collect();
    let many = send(many).await.unwrap_err().into_service_error();
    assert!(many.is_too_many_entries_in_batch_request(), "{many:?}");
    let twice = send(same(2, "a")).await.unwrap_err().into_service_error();
    assert!(twice.is_batch_entry_ids_not_distinct(), "{twice:?}");
    let odd = send(same(1, "no spaces"))
        .await
        .unwrap_err()
        .into_service_error();
    assert!(odd.is_invalid_batch_entry_id(), "{odd:?}");
    let half = "x".repeat(600 * 1024);
    let long = (0..2).map(|id| entry(id.to_string(), &half)).collect();
    let long = send(long).await.unwrap_err().into_service_error();
    assert!(long.is_batch_request_too_long(), "{long:?}");
}

#[tokio::test]
async fn an_oversize_entry_fails_alone() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("MaximumMessageSize", "1024")]).await;
    let entry = |id: &str, length: usize| {
        let entry = SendMessageBatchRequestEntry::builder().id(id);
        entry.message_body("x".repeat(length)).build().unwrap()
    };
    let batch = sqs.client.send_message_batch().queue_url(&url);
    let sent = batch
        .entries(entry("fits", 1024))
        .entries(entry("long", 1025))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.successful()[0].id(), "fits");
    assert_eq!(sent.failed()[0].id(), "long");
}

#[tokio::test]
async fn a_message_of_one_mebibyte_passes_and_one_byte_more_does_not() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = |length| {
        sqs.client
            .send_message()
            .queue_url(&url)
            .message_body("x".repeat(length))
            .send()
    };
    send(1024 * 1024).await.unwrap();
    assert_eq!(
        refused(send(1024 * 1024 + 1).await).0,
        "InvalidParameterValue"
    );
    assert_eq!(
        sqs.receive(&url).await[0].body().unwrap().len(),
        1024 * 1024
    );
}

#[tokio::test]
async fn messages_with_characters_xml_does_not_know_are_refused() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for body in ["\u{0}", "a\u{1B}b", "\u{FFFE}"] {
        let result = sqs
            .client
            .send_message()
            .queue_url(&url)
            .message_body(body)
            .send()
            .await;
        assert_eq!(refused(result).0, "InvalidMessageContents", "{body:?}");
    }
}

#[tokio::test]
async fn attributes_that_break_the_rules_are_refused() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let value = |kind: &str, text: &str| {
        MessageAttributeValue::builder()
            .data_type(kind)
            .string_value(text)
            .build()
            .unwrap()
    };
    for (name, value) in [
        ("aws.reserved", value("String", "x")),
        (".dot", value("String", "x")),
        ("a b", value("String", "x")),
        ("a", value("Text", "x")),
        ("a", value("Number", "ten")),
        ("a", value("String", "")),
    ] {
        let send = sqs.client.send_message().queue_url(&url).message_body("x");
        let result = send.message_attributes(name, value).send().await;
        assert_eq!(refused(result).0, "InvalidParameterValue", "{name}");
    }
    let mut send = sqs.client.send_message().queue_url(&url).message_body("x");
    for i in 0..11 {
        send = send.message_attributes(format!("a{i}"), value("Number", "1.5"));
    }
    let (_, words) = refused(send.send().await);
    assert_eq!(
        words,
        "Number of message attributes [11] exceeds the allowed maximum [10]."
    );
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letters_and_back() {
    let sqs = Endpoint::open().await;
    let dead = sqs.queue(&[]).await;
    let arn = sqs
        .attribute(&dead, QueueAttributeName::QueueArn)
        .await
        .unwrap();
    let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"1"}}"#);
    let url = sqs
        .queue(&[("VisibilityTimeout", "0"), ("RedrivePolicy", &policy)])
        .await;
    let source = sqs
        .attribute(&url, QueueAttributeName::QueueArn)
        .await
        .unwrap();
    sqs.send(&url, "x").await;
    let first = sqs.receive(&url).await.remove(0);
    assert!(sqs.receive(&url).await.is_empty());

    let buried = sqs.receive(&dead).await.remove(0);
    assert_eq!(buried.message_id(), first.message_id());
    assert_eq!(
        system(&buried, MessageSystemAttributeName::ApproximateReceiveCount),
        Some("2")
    );
    assert_eq!(
        system(
            &buried,
            MessageSystemAttributeName::DeadLetterQueueSourceArn
        ),
        Some(&*source)
    );
    let sources = sqs.client.list_dead_letter_source_queues().queue_url(&dead);
    assert_eq!(
        sources.send().await.unwrap().queue_urls(),
        std::slice::from_ref(&url)
    );

    sqs.change(&dead, &buried, 0).await;
    sqs.client
        .start_message_move_task()
        .source_arn(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(bodies(&sqs.receive(&url).await), ["x"]);
    let list = sqs
        .client
        .list_message_move_tasks()
        .source_arn(&arn)
        .send()
        .await
        .unwrap();
    assert_eq!(list.results()[0].approximate_number_of_messages_moved(), 1);
}

#[tokio::test]
async fn a_redrive_policy_must_name_a_queue_of_the_same_kind() {
    let sqs = Endpoint::open().await;
    let fifo = sqs.queue(&[("FifoQueue", "true")]).await;
    let arn = sqs
        .attribute(&fifo, QueueAttributeName::QueueArn)
        .await
        .unwrap();
    for policy in [
        format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":3}}"#),
        format!(r#"{{"deadLetterTargetArn":"{arn}-gone","maxReceiveCount":3}}"#),
        format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":0}}"#),
        format!(r#"{{"deadLetterTargetArn":"{arn}"}}"#),
        r#"{"maxReceiveCount":3}"#.into(),
        "not json".into(),
    ] {
        let create = sqs.client.create_queue().queue_name(unique(""));
        let result = create
            .attributes(QueueAttributeName::RedrivePolicy, &policy)
            .send()
            .await;
        assert_eq!(refused(result).0, "InvalidParameterValue", "{policy}");
    }
}

#[tokio::test]
async fn a_fifo_group_keeps_its_order_over_failures_while_others_flow() {
    let sqs = Endpoint::open().await;
    let url = sqs
        .queue(&[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")])
        .await;
    let mut numbers = Vec::new();
    for body in ["a1", "a2", "a3"] {
        numbers.push(sqs.send_to_group(&url, "a", body).await);
    }
    assert!(
        numbers.is_sorted() && numbers.iter().all(|number| number.len() == 20),
        "{numbers:?}"
    );
    let first = sqs
        .client
        .receive_message()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    assert_eq!(bodies(first.messages()), ["a1"]);
    sqs.send_to_group(&url, "b", "b1").await;
    assert_eq!(bodies(&sqs.receive(&url).await), ["b1"]);

    sqs.change(&url, &first.messages()[0], 0).await;
    let again = sqs.receive(&url).await;

    assert_eq!(bodies(&again), ["a1", "a2", "a3"]);
    assert_eq!(
        system(&again[0], MessageSystemAttributeName::MessageGroupId),
        Some("a")
    );
    assert_eq!(
        system(&again[0], MessageSystemAttributeName::SequenceNumber),
        Some(numbers[0].as_str())
    );
}

#[tokio::test]
async fn a_fifo_message_needs_a_group_and_a_deduplication_id() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("FifoQueue", "true")]).await;
    let send = || sqs.client.send_message().queue_url(&url).message_body("x");
    assert_eq!(refused(send().send().await).0, "MissingParameter");
    let no_id = send().message_group_id("g").send().await;
    assert_eq!(refused(no_id).0, "InvalidParameterValue");
    let delayed = send()
        .message_group_id("g")
        .message_deduplication_id("d")
        .delay_seconds(5);
    assert_eq!(refused(delayed.send().await).0, "InvalidParameterValue");
}

#[tokio::test]
async fn the_same_receive_attempt_gets_the_same_messages() {
    let sqs = Endpoint::open().await;
    let url = sqs
        .queue(&[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")])
        .await;
    sqs.send_to_group(&url, "g", "x").await;
    let receive = |attempt: &str| {
        sqs.client
            .receive_message()
            .queue_url(&url)
            .receive_request_attempt_id(attempt)
            .send()
    };
    let first = receive("one").await.unwrap();
    let again = receive("one").await.unwrap();
    assert_eq!(
        first.messages()[0].receipt_handle(),
        again.messages()[0].receipt_handle()
    );
    assert!(receive("two").await.unwrap().messages().is_empty());

    sqs.delete(&url, &first.messages()[0]).await;
    assert!(receive("one").await.unwrap().messages().is_empty());
}

#[tokio::test]
async fn a_fifo_handle_expires_and_a_standard_one_does_not() {
    let sqs = Endpoint::open().await;
    let fifo = sqs
        .queue(&[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")])
        .await;
    let standard = sqs.queue(&[]).await;
    sqs.send_to_group(&fifo, "g", "x").await;
    sqs.send(&standard, "x").await;
    let ordered = sqs.receive(&fifo).await.remove(0);
    let plain = sqs.receive(&standard).await.remove(0);
    sqs.change(&fifo, &ordered, 0).await;
    sqs.change(&standard, &plain, 0).await;

    let late = sqs
        .client
        .delete_message()
        .queue_url(&fifo)
        .receipt_handle(handle(&ordered));
    let (code, words) = refused(late.send().await);
    assert_eq!(code, "InvalidParameterValue");
    assert!(
        words.ends_with("Reason: The receipt handle has expired."),
        "{words}"
    );
    sqs.delete(&standard, &plain).await;
    assert!(sqs.receive(&standard).await.is_empty());
    let foreign = sqs
        .client
        .delete_message()
        .queue_url(&standard)
        .receipt_handle("junk");
    assert_eq!(refused(foreign.send().await).0, "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_quiet_tenant_is_not_held_up_by_a_noisy_one() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = |group: &str, body: String| {
        sqs.client
            .send_message()
            .queue_url(&url)
            .message_group_id(group)
            .message_body(body)
            .send()
    };
    for i in 0..5 {
        send("noisy", format!("noisy {i}")).await.unwrap();
    }
    let receive = || sqs.client.receive_message().queue_url(&url).send();
    receive().await.unwrap();
    send("quiet", "quiet".into()).await.unwrap();

    assert_eq!(bodies(receive().await.unwrap().messages()), ["quiet"]);
}

#[tokio::test]
async fn a_delay_of_its_own_wins_over_the_queues() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("DelaySeconds", "900")]).await;
    sqs.send(&url, "late").await;
    let now = sqs
        .client
        .send_message()
        .queue_url(&url)
        .message_body("now")
        .delay_seconds(0);
    now.send().await.unwrap();
    assert_eq!(bodies(&sqs.receive(&url).await), ["now"]);
    assert_eq!(
        sqs.attribute(&url, QueueAttributeName::ApproximateNumberOfMessagesDelayed)
            .await,
        Some("1".into())
    );
}

#[tokio::test]
async fn tags_and_permissions_are_kept() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let tag = sqs.client.tag_queue().queue_url(&url);
    tag.tags("team", "shop")
        .tags("env", "test")
        .send()
        .await
        .unwrap();
    sqs.client
        .untag_queue()
        .queue_url(&url)
        .tag_keys("env")
        .send()
        .await
        .unwrap();
    let tags = sqs
        .client
        .list_queue_tags()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    assert_eq!(
        tags.tags().unwrap().get("team").map(String::as_str),
        Some("shop")
    );
    assert_eq!(tags.tags().unwrap().len(), 1);

    let add = sqs.client.add_permission().queue_url(&url).label("read");
    add.aws_account_ids("111111111111")
        .actions("ReceiveMessage")
        .send()
        .await
        .unwrap();
    let policy = sqs
        .attribute(&url, QueueAttributeName::Policy)
        .await
        .unwrap();
    assert!(policy.contains("SQS:ReceiveMessage"), "{policy}");
    sqs.client
        .remove_permission()
        .queue_url(&url)
        .label("read")
        .send()
        .await
        .unwrap();
    assert_eq!(sqs.attribute(&url, QueueAttributeName::Policy).await, None);
}

#[tokio::test]
async fn a_deleted_queue_is_gone() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    sqs.client
        .delete_queue()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    let result = sqs.client.receive_message().queue_url(&url).send().await;
    assert_eq!(refused(result).0, "AWS.SimpleQueueService.NonExistentQueue");
}

//! FIFO queues: order, groups, deduplication and repeated receives.

use super::*;

const NO_ID: &str = "InvalidParameterValue: The queue should either have ContentBasedDeduplication \
                     enabled or MessageDeduplicationId provided explicitly";

/// Sends a message and returns its sequence number and its id.
async fn send(sqs: &Endpoint, url: &str, group: &str, id: &str, body: &str) -> (String, String) {
    let send = sqs.client.send_message().queue_url(url).message_body(body);
    let send = send.message_group_id(group).message_deduplication_id(id);
    let sent = send.send().await.unwrap();
    (sent.sequence_number.unwrap(), sent.message_id.unwrap())
}

#[tokio::test]
async fn a_fifo_group_keeps_its_order_over_failures_while_others_flow() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&FIFO).await;
    let mut numbers = Vec::new();
    for body in ["a1", "a2", "a3"] {
        numbers.push(sqs.send_to_group(&url, "a", body).await);
    }
    let are_twenty_digits = numbers
        .iter()
        .all(|n| n.len() == 20 && n.parse::<u128>().is_ok());
    assert!(numbers.is_sorted() && are_twenty_digits, "{numbers:?}");
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
    assert_eq!(system(&again[0], "MessageGroupId"), Some("a"));
    assert_eq!(system(&again[0], "SequenceNumber"), Some(&*numbers[0]));
}

#[tokio::test]
async fn one_receive_takes_as_many_of_one_group_as_it_can() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&FIFO).await;
    for (group, body) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")] {
        sqs.send_to_group(&url, group, body).await;
    }
    assert_eq!(bodies(&sqs.receive(&url).await), ["a1", "a2", "b1", "b2"]);
}

#[tokio::test]
async fn a_group_flows_again_once_all_its_messages_are_back_or_deleted() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&FIFO).await;
    for body in ["1", "2", "3"] {
        sqs.send_to_group(&url, "g", body).await;
    }
    let two = sqs
        .client
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(2);
    let two = two.send().await.unwrap().messages.unwrap();
    sqs.delete(&url, &two[0]).await;
    assert!(sqs.receive(&url).await.is_empty());
    sqs.change(&url, &two[1], 0).await;
    assert_eq!(bodies(&sqs.receive(&url).await), ["2", "3"]);
}

#[tokio::test]
async fn a_fifo_message_needs_a_group_and_a_deduplication_id() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("FifoQueue", "true")]).await;
    let send = || sqs.client.send_message().queue_url(&url).message_body("x");
    assert_eq!(
        refused(send().send().await),
        "MissingParameter: The request must contain the parameter MessageGroupId."
    );
    assert_eq!(refused(send().message_group_id("g").send().await), NO_ID);
    for id in ["", "no spaces", "ö", &"x".repeat(129)] {
        let text = |name: &str| {
            let reason = format!(
                "{name} can only include alphanumeric and punctuation characters. 1 to 128 in \
                 length."
            );
            invalid(name, id, &reason)
        };
        let group = send().message_group_id(id).message_deduplication_id("d");
        assert_eq!(refused(group.send().await), text("MessageGroupId"));
        let own = send().message_group_id("g").message_deduplication_id(id);
        assert_eq!(refused(own.send().await), text("MessageDeduplicationId"));
    }
    let longest = "!~".repeat(64);
    let sent = send()
        .message_group_id(&longest)
        .message_deduplication_id(&longest);
    sent.send().await.unwrap();
}

#[tokio::test]
async fn a_fifo_message_has_no_own_delay() {
    let sqs = Endpoint::open().await;
    for queue in [&FIFO[..], &[FIFO[0], FIFO[1], ("DelaySeconds", "10")]] {
        let url = sqs.queue(queue).await;
        let send = |seconds| {
            let send = sqs.client.send_message().queue_url(&url).message_body("x");
            send.message_group_id("g").delay_seconds(seconds).send()
        };
        let reason = "The request include parameter that is not valid for this queue type.";
        assert_eq!(refused(send(5).await), invalid("DelaySeconds", "5", reason));
        send(0).await.unwrap();
        let delayed = sqs
            .attribute(&url, "ApproximateNumberOfMessagesDelayed")
            .await;
        let expected = if queue.len() == 3 { "1" } else { "0" };
        assert_eq!(delayed.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn a_message_sent_twice_is_accepted_once_and_answered_twice() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("FifoQueue", "true")]).await;
    let first = send(&sqs, &url, "g", "same", "one").await;
    assert_eq!(send(&sqs, &url, "g", "same", "another").await, first);
    // The id is unique across all groups, also after the message is deleted.
    assert_eq!(send(&sqs, &url, "other", "same", "one").await, first);
    let messages = sqs.receive(&url).await;
    assert_eq!(bodies(&messages), ["one"]);
    assert_eq!(system(&messages[0], "MessageDeduplicationId"), Some("same"));
    sqs.delete(&url, &messages[0]).await;
    assert_eq!(send(&sqs, &url, "g", "same", "one").await, first);
    assert!(sqs.receive(&url).await.is_empty());
}

#[tokio::test]
async fn deduplication_can_be_by_group() {
    let sqs = Endpoint::open().await;
    let scope = ("DeduplicationScope", "messageGroup");
    let url = sqs.queue(&[("FifoQueue", "true"), scope]).await;
    let first = send(&sqs, &url, "a", "same", "x").await;
    assert_eq!(send(&sqs, &url, "a", "same", "y").await, first);
    assert_ne!(send(&sqs, &url, "b", "same", "z").await, first);
    assert_eq!(bodies(&sqs.receive(&url).await), ["x", "z"]);
}

#[tokio::test]
async fn the_content_is_the_id_of_a_message_without_one() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&FIFO).await;
    let first = sqs.send_to_group(&url, "g", "same").await;
    assert_eq!(sqs.send_to_group(&url, "g", "same").await, first);
    // An explicit id has precedence over the content, in both directions.
    let explicit = send(&sqs, &url, "g", "id", "same").await;
    assert_ne!(explicit.0, first);
    assert_eq!(send(&sqs, &url, "g", "id", "other").await, explicit);
    let messages = sqs.receive(&url).await;
    assert_eq!(bodies(&messages), ["same", "same"]);
    let sha_256 = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5";
    assert_eq!(
        system(&messages[0], "MessageDeduplicationId"),
        Some(sha_256)
    );

    sqs.set(&url, &[("ContentBasedDeduplication", "false")])
        .await;
    let bare = sqs
        .client
        .send_message()
        .queue_url(&url)
        .message_body("new");
    assert_eq!(refused(bare.message_group_id("g").send().await), NO_ID);
}

#[tokio::test]
async fn the_same_receive_attempt_gets_the_same_messages() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&FIFO).await;
    sqs.send_to_group(&url, "g", "x").await;
    let receive = |attempt: &str| {
        let receive = sqs.client.receive_message().queue_url(&url);
        receive.receive_request_attempt_id(attempt).send()
    };
    let first = receive("one").await.unwrap();
    let again = receive("one").await.unwrap();
    assert_eq!(handle(&first.messages()[0]), handle(&again.messages()[0]));
    assert!(receive("two").await.unwrap().messages().is_empty());

    sqs.delete(&url, &first.messages()[0]).await;
    assert!(receive("one").await.unwrap().messages().is_empty());
    let reason = "ReceiveRequestAttemptId can only include alphanumeric and punctuation \
                  characters. 1 to 128 in length.";
    let text = invalid("ReceiveRequestAttemptId", "a b", reason);
    assert_eq!(refused(receive("a b").await), text);
}

#[tokio::test]
async fn a_fifo_handle_expires_with_its_timeout() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&FIFO).await;
    sqs.send_to_group(&url, "g", "x").await;
    let message = sqs.receive(&url).await.remove(0);
    sqs.change(&url, &message, 0).await;

    let handle = handle(&message);
    let text = invalid("ReceiptHandle", handle, "The receipt handle has expired.");
    let delete = sqs
        .client
        .delete_message()
        .queue_url(&url)
        .receipt_handle(handle);
    assert_eq!(refused(delete.send().await), text);
    let change = sqs.client.change_message_visibility().queue_url(&url);
    let change = change.receipt_handle(handle).visibility_timeout(5);
    assert_eq!(refused(change.send().await), text);
    // The handle of the next receive deletes it, and the first one no longer does.
    let again = sqs.receive(&url).await.remove(0);
    let (delete, change) = (
        sqs.client.delete_message(),
        sqs.client.change_message_visibility(),
    );
    let delete = delete.queue_url(&url).receipt_handle(handle);
    assert_eq!(refused(delete.send().await), text);
    let change = change.queue_url(&url).receipt_handle(handle);
    assert_eq!(refused(change.visibility_timeout(5).send().await), text);
    sqs.delete(&url, &again).await;
}

#[tokio::test]
async fn a_receive_with_no_timeout_leaves_a_fifo_message_first_in_line() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&FIFO).await;
    for body in ["1", "2"] {
        sqs.send_to_group(&url, "g", body).await;
    }
    let receive = || {
        sqs.client
            .receive_message()
            .queue_url(&url)
            .visibility_timeout(0)
    };
    for _ in 0..2 {
        assert_eq!(bodies(receive().send().await.unwrap().messages()), ["1"]);
    }
    let both = receive().max_number_of_messages(10).send().await.unwrap();
    assert_eq!(bodies(both.messages()), ["1", "2"]);
}

//! Batches: which errors fail the whole batch, and which one entry.

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry,
};

use super::*;

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder().id(id);
    entry.message_body(body).build().unwrap()
}

/// The error for the whole batch.
async fn refusal(entries: Vec<SendMessageBatchRequestEntry>) -> String {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let batch = sqs.client.send_message_batch().queue_url(&url);
    refused(batch.set_entries(Some(entries)).send().await)
}

fn failure(failed: &[BatchResultErrorEntry]) -> (&str, String, bool) {
    let [entry] = failed else {
        panic!("not one failure: {failed:?}")
    };
    let error = format!("{}: {}", entry.code(), entry.message().unwrap());
    (entry.id(), error, entry.sender_fault())
}

#[tokio::test]
async fn each_entry_of_a_batch_succeeds_or_fails_by_itself() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let batch = sqs.client.send_message_batch().queue_url(&url);
    let late = SendMessageBatchRequestEntry::builder()
        .id("bad")
        .message_body("x");
    let batch = batch.entries(late.delay_seconds(901).build().unwrap());
    let sent = batch.entries(entry("good", "good")).send().await.unwrap();
    assert_eq!(sent.successful()[0].id(), "good");
    let reason = "DelaySeconds must be >= 0 and <= 900.";
    let text = invalid("DelaySeconds", "901", reason);
    assert_eq!(failure(sent.failed()), ("bad", text, true));
    let message = sqs.receive(&url).await.remove(0);
    assert_eq!(
        message.message_id(),
        Some(sent.successful()[0].message_id())
    );
    assert_eq!(
        message.md5_of_body(),
        Some(sent.successful()[0].md5_of_message_body())
    );

    let junk = "ReceiptHandleIsInvalid: The input receipt handle \"junk\" is not a valid receipt \
                handle.";
    let change = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        let entry = entry.receipt_handle(handle).visibility_timeout(60);
        entry.build().unwrap()
    };
    let batch = sqs.client.change_message_visibility_batch().queue_url(&url);
    let batch = batch.entries(change("good", handle(&message)));
    let changed = batch.entries(change("bad", "junk")).send().await.unwrap();
    assert_eq!(changed.successful()[0].id(), "good");
    assert_eq!(failure(changed.failed()), ("bad", junk.into(), true));

    let delete = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).build().unwrap()
    };
    let batch = sqs.client.delete_message_batch().queue_url(&url);
    let batch = batch.entries(delete("good", handle(&message)));
    let deleted = batch.entries(delete("bad", "junk")).send().await.unwrap();
    assert_eq!(deleted.successful()[0].id(), "good");
    assert_eq!(failure(deleted.failed()), ("bad", junk.into(), true));
}

#[tokio::test]
async fn a_batch_has_one_to_ten_entries() {
    assert_eq!(
        refusal(vec![]).await,
        "AWS.SimpleQueueService.EmptyBatchRequest: There should be at least one \
         SendMessageBatchRequestEntry in the request."
    );
    let many = (0..11).map(|id| entry(&id.to_string(), "x")).collect();
    assert_eq!(
        refusal(many).await,
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest: Maximum number of entries per \
         request are 10. You have sent 11."
    );
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let entries = (0..10).map(|id| entry(&id.to_string(), "x")).collect();
    let batch = sqs.client.send_message_batch().queue_url(&url);
    let ten = batch.set_entries(Some(entries)).send().await.unwrap();
    assert_eq!(ten.successful().len(), 10);
    assert!(ten.failed().is_empty());
    assert_eq!(sqs.receive(&url).await.len(), 10);
}

#[tokio::test]
async fn empty_batches_are_refused_by_the_name_of_their_entries() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let text = |kind| {
        format!(
            "AWS.SimpleQueueService.EmptyBatchRequest: There should be at least one {kind} in the \
             request."
        )
    };
    let delete = sqs.client.delete_message_batch().queue_url(&url);
    let delete = delete.set_entries(Some(vec![])).send().await;
    assert_eq!(refused(delete), text("DeleteMessageBatchRequestEntry"));
    let change = sqs.client.change_message_visibility_batch().queue_url(&url);
    let change = change.set_entries(Some(vec![])).send().await;
    assert_eq!(
        refused(change),
        text("ChangeMessageVisibilityBatchRequestEntry")
    );
}

#[tokio::test]
async fn ids_are_distinct_and_have_rules() {
    let text = "AWS.SimpleQueueService.InvalidBatchEntryId: A batch entry id can only contain \
                 alphanumeric characters, hyphens and underscores. It can be at most 80 letters \
                 long.";
    for id in ["", "no spaces", "ö", "a.b", &"x".repeat(81)] {
        assert_eq!(refusal(vec![entry(id, "x")]).await, text, "{id}");
    }
    let ids = ["1", "2", "2", "1"];
    let twice = ids.map(|id| entry(id, "x")).into();
    assert_eq!(
        refusal(twice).await,
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct: Id 2 repeated."
    );
}

#[tokio::test]
async fn a_batch_is_at_most_one_mebibyte_in_total() {
    let half = "x".repeat(512 * 1024);
    let text = "AWS.SimpleQueueService.BatchRequestTooLong: Batch requests cannot be longer than \
                 1048576 bytes. You have sent 1048577 bytes.";
    let long = vec![entry("1", &half), entry("2", &half), entry("3", "x")];
    assert_eq!(refusal(long).await, text);
    // With one message that is too long, the batch is too long, and that is checked first.
    assert_eq!(
        refusal(vec![entry("1", &"x".repeat(1024 * 1024 + 1))]).await,
        text
    );

    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let batch = sqs.client.send_message_batch().queue_url(&url);
    let batch = batch.entries(entry("1", &half)).entries(entry("2", &half));
    assert_eq!(batch.send().await.unwrap().successful().len(), 2);
}

#[tokio::test]
async fn an_entry_that_is_wrong_fails_alone() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("MaximumMessageSize", "1024")]).await;
    for (body, text) in [
        (
            "x".repeat(1025),
            "InvalidParameterValue: One or more parameters cannot be validated. Reason: Message \
             must be shorter than 1024 bytes.",
        ),
        (
            "\u{1}".into(),
            "InvalidMessageContents: Invalid characters found. Valid unicode characters are #x9 | \
             #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ),
        (
            String::new(),
            "MissingParameter: The request must contain the parameter MessageBody.",
        ),
    ] {
        let batch = sqs.client.send_message_batch().queue_url(&url);
        let batch = batch.entries(entry("fits", &"x".repeat(1024)));
        let sent = batch.entries(entry("bad", &body)).send().await.unwrap();
        assert_eq!(sent.successful()[0].id(), "fits");
        assert_eq!(failure(sent.failed()), ("bad", text.into(), true));
    }
}

#[tokio::test]
async fn a_fifo_batch_fails_as_a_whole_where_a_group_or_an_id_is_missing() {
    let sqs = Endpoint::open().await;
    let fifo = sqs.queue(&[("FifoQueue", "true")]).await;
    let entry = |group: Option<&str>, id: Option<&str>| {
        let entry = SendMessageBatchRequestEntry::builder().message_body("x");
        let entry = entry.id(format!("{}{}", group.unwrap_or("-"), id.unwrap_or("-")));
        let entry = entry.set_message_group_id(group.map(String::from));
        entry
            .set_message_deduplication_id(id.map(String::from))
            .build()
            .unwrap()
    };
    let send = |second| {
        let batch = sqs.client.send_message_batch().queue_url(&fifo);
        batch
            .entries(entry(Some("g"), Some("1")))
            .entries(second)
            .send()
    };
    assert_eq!(
        refused(send(entry(None, Some("2"))).await),
        "InvalidParameterValue: The request must contain the parameter MessageGroupId."
    );
    assert_eq!(
        refused(send(entry(Some("g"), None)).await),
        "InvalidParameterValue: The queue should either have ContentBasedDeduplication enabled or \
         MessageDeduplicationId provided explicitly"
    );
    assert!(sqs.receive(&fifo).await.is_empty());

    let sent = send(entry(Some("g"), Some("2"))).await.unwrap();
    let numbers: Vec<_> = sent
        .successful()
        .iter()
        .map(|s| s.sequence_number())
        .collect();
    assert!(
        numbers[0] < numbers[1] && numbers[0].is_some(),
        "{numbers:?}"
    );
}

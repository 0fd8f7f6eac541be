//! Receipt handles: deleting a message, and changing its visibility timeout.

use super::*;

const NOT_THERE: &str = "Message does not exist or is not available for visibility timeout change.";

/// The error of a change of the timeout.
async fn refused_to_change(sqs: &Endpoint, url: &str, handle: &str, seconds: i32) -> String {
    let change = sqs.client.change_message_visibility().queue_url(url);
    let change = change.receipt_handle(handle).visibility_timeout(seconds);
    refused(change.send().await)
}

async fn refused_to_delete(sqs: &Endpoint, url: &str, handle: &str) -> String {
    let delete = sqs.client.delete_message().queue_url(url);
    refused(delete.receipt_handle(handle).send().await)
}

#[tokio::test]
async fn a_received_message_is_hidden_until_it_is_made_visible() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    sqs.send(&url, "x").await;
    let first = sqs.receive(&url).await.remove(0);
    assert!(sqs.receive(&url).await.is_empty());

    sqs.change(&url, &first, 0).await;
    let second = sqs.receive(&url).await.remove(0);

    assert_ne!(first.receipt_handle(), second.receipt_handle());
    assert_eq!(system(&second, "ApproximateReceiveCount"), Some("2"));
}

#[tokio::test]
async fn deleting_twice_succeeds() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    sqs.send(&url, "x").await;
    let message = sqs.receive(&url).await.remove(0);
    sqs.delete(&url, &message).await;
    sqs.delete(&url, &message).await;
    let flying = sqs
        .attribute(&url, "ApproximateNumberOfMessagesNotVisible")
        .await;
    assert_eq!(flying.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_receive_may_set_its_own_timeout() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("VisibilityTimeout", "0")]).await;
    sqs.send(&url, "x").await;
    let receive = sqs.client.receive_message().queue_url(&url);
    receive.visibility_timeout(60).send().await.unwrap();
    assert!(sqs.receive(&url).await.is_empty());
}

#[tokio::test]
async fn a_standard_handle_deletes_after_its_timeout_unless_the_message_was_received_again() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("VisibilityTimeout", "0")]).await;
    sqs.send(&url, "x").await;
    let first = sqs.receive(&url).await.remove(0);
    let second = sqs.receive(&url).await.remove(0);
    sqs.delete(&url, &first).await;
    assert_eq!(
        sqs.attribute(&url, "ApproximateNumberOfMessages")
            .await
            .as_deref(),
        Some("1")
    );
    sqs.delete(&url, &second).await;
    assert_eq!(
        sqs.attribute(&url, "ApproximateNumberOfMessages")
            .await
            .as_deref(),
        Some("0")
    );
}

#[tokio::test]
async fn an_invalid_handle_is_refused() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let text = "ReceiptHandleIsInvalid: The input receipt handle \"junk\" is not a valid receipt \
                 handle.";
    assert_eq!(refused_to_delete(&sqs, &url, "junk").await, text);
    assert_eq!(refused_to_change(&sqs, &url, "junk", 1).await, text);
}

#[tokio::test]
async fn a_handle_of_another_queue_is_refused() {
    let sqs = Endpoint::open().await;
    let (url, other) = (sqs.queue(&[]).await, sqs.queue(&[]).await);
    sqs.send(&url, "x").await;
    let message = sqs.receive(&url).await.remove(0);
    let handle = handle(&message);
    let text = format!(
        "ReceiptHandleIsInvalid: The receipt handle \"{handle}\" is not valid for this queue."
    );
    assert_eq!(refused_to_delete(&sqs, &other, handle).await, text);
    assert_eq!(refused_to_change(&sqs, &other, handle, 1).await, text);
    sqs.delete(&url, &message).await;
}

#[tokio::test]
async fn the_timeout_of_a_deleted_message_cannot_be_changed() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    sqs.send(&url, "x").await;
    let message = sqs.receive(&url).await.remove(0);
    sqs.delete(&url, &message).await;
    let handle = handle(&message);
    let error = refused_to_change(&sqs, &url, handle, 1).await;
    assert_eq!(error, invalid("ReceiptHandle", handle, NOT_THERE));
}

#[tokio::test]
async fn changing_the_timeout_of_a_standard_message_that_waits_is_accepted_and_does_nothing() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    sqs.send(&url, "x").await;
    let message = sqs.receive(&url).await.remove(0);
    sqs.change(&url, &message, 0).await;
    sqs.change(&url, &message, 60).await;
    let again = sqs.receive(&url).await.remove(0);
    assert_eq!(again.message_id(), message.message_id());
}

#[tokio::test]
async fn a_timeout_is_at_most_twelve_hours() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    sqs.send(&url, "x").await;
    let message = sqs.receive(&url).await.remove(0);
    let handle = handle(&message);
    for (seconds, text) in [(43_201, "43201"), (-1, "-1")] {
        let error = refused_to_change(&sqs, &url, handle, seconds).await;
        let reason = "VisibilityTimeout must be an integer between 0 and 43200.";
        assert_eq!(error, invalid("VisibilityTimeout", text, reason));
    }
    sqs.change(&url, &message, 43_190).await;
}

#[tokio::test]
async fn parameters_may_not_be_missing() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let missing =
        |name| format!("MissingParameter: The request must contain the parameter {name}.");
    let delete = sqs.client.delete_message().queue_url(&url).send().await;
    assert_eq!(refused(delete), missing("ReceiptHandle"));
    let change = || sqs.client.change_message_visibility().queue_url(&url);
    let no_handle = change().visibility_timeout(1).send().await;
    assert_eq!(refused(no_handle), missing("ReceiptHandle"));
    let no_time = change().receipt_handle("x").send().await;
    assert_eq!(refused(no_time), missing("VisibilityTimeout"));
}

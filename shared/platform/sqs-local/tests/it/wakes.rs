//! Long polls: what wakes them, and how soon, on tokio's paused clock.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, advance, sleep};

use super::paused::{call, queue, receive, send, within_ten_ms};
use super::support::start;

#[tokio::test(start_paused = true)]
async fn a_long_poll_wakes_at_the_end_of_a_fifteen_minute_delay() {
    let server = start().await;
    let url = queue(&server, "q", json!({ "DelaySeconds": "900" })).await;
    send(&server, &url, "x").await;
    advance(Duration::from_secs(890)).await;

    let (messages, took) = receive(&server, &url, 20).await;

    assert_eq!(messages.len(), 1);
    within_ten_ms(took, 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_receive_waits_as_long_as_its_queue_says() {
    let server = start().await;
    let url = queue(
        &server,
        "q",
        json!({ "ReceiveMessageWaitTimeSeconds": "20" }),
    )
    .await;
    let began = Instant::now();

    call(&server, "ReceiveMessage", json!({ "QueueUrl": url })).await;

    within_ten_ms(began.elapsed().as_secs_f64(), 20.0);
}

#[tokio::test(start_paused = true)]
async fn a_message_received_too_often_wakes_a_poll_of_the_dead_letter_queue() {
    let server = start().await;
    let dead = queue(&server, "dead", json!({})).await;
    let policy = json!({
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead",
        "maxReceiveCount": "1",
    });
    let attributes = json!({ "RedrivePolicy": policy.to_string(), "VisibilityTimeout": "5" });
    let url = queue(&server, "q", attributes).await;
    send(&server, &url, "x").await;
    assert_eq!(receive(&server, &url, 0).await.0.len(), 1);

    let (source, (found, took)) =
        tokio::join!(receive(&server, &url, 10), receive(&server, &dead, 10));

    assert_eq!(source.0.len(), 0);
    assert_eq!(found.len(), 1);
    within_ten_ms(took, 5.0);
}

#[tokio::test(start_paused = true)]
async fn a_fifo_group_flows_again_when_its_message_is_deleted() {
    let server = start().await;
    let attributes = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    let url = queue(&server, "q.fifo", attributes).await;
    for body in ["first", "second"] {
        let message = json!({ "QueueUrl": url, "MessageBody": body, "MessageGroupId": "g" });
        call(&server, "SendMessage", message).await;
    }
    let one = call(&server, "ReceiveMessage", json!({ "QueueUrl": url })).await;
    let handle = one["Messages"][0]["ReceiptHandle"].clone();

    let delete = async {
        sleep(Duration::from_secs(3)).await;
        call(
            &server,
            "DeleteMessage",
            json!({ "QueueUrl": url, "ReceiptHandle": handle }),
        )
        .await
    };
    let ((messages, took), _) = tokio::join!(receive(&server, &url, 20), delete);

    assert_eq!(messages[0]["Body"], "second");
    within_ten_ms(took, 3.0);
}

#[tokio::test(start_paused = true)]
async fn a_send_wakes_the_poll_that_has_waited_longest() {
    let server = start().await;
    let url = queue(&server, "q", json!({})).await;
    let first = receive(&server, &url, 20);
    let second = async {
        sleep(Duration::from_secs(1)).await;
        receive(&server, &url, 10).await
    };
    let later = async {
        sleep(Duration::from_secs(5)).await;
        send(&server, &url, "x").await;
    };

    let ((messages, took), (none, waited), ()) = tokio::join!(first, second, later);

    assert_eq!((messages.len(), none.len()), (1, 0));
    within_ten_ms(took, 5.0);
    within_ten_ms(waited, 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_due_goes_to_the_waiting_poll_and_not_to_a_new_one() {
    let server = start().await;
    let url = queue(&server, "q", json!({ "DelaySeconds": "2" })).await;
    send(&server, &url, "x").await;
    let late = async {
        sleep(Duration::from_secs(1)).await;
        // The alarm is rounded up to a whole millisecond, so it is not due yet.
        advance(Duration::from_secs(1)).await;
        receive(&server, &url, 0).await
    };

    let ((messages, _), (none, _)) = tokio::join!(receive(&server, &url, 20), late);

    assert_eq!((messages.len(), none.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_message_made_visible_wakes_a_poll() {
    for attributes in [json!({}), json!({ "FifoQueue": "true" })] {
        let server = start().await;
        let is_fifo = attributes.get("FifoQueue").is_some();
        let url = queue(&server, if is_fifo { "q.fifo" } else { "q" }, attributes).await;
        let mut message = json!({ "QueueUrl": url, "MessageBody": "x" });
        if is_fifo {
            message["MessageGroupId"] = "g".into();
            message["MessageDeduplicationId"] = "d".into();
        }
        call(&server, "SendMessage", message).await;
        let handle = receive(&server, &url, 0).await.0[0]["ReceiptHandle"].clone();

        let change = async {
            sleep(Duration::from_secs(3)).await;
            let to_zero =
                json!({ "QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0 });
            call(&server, "ChangeMessageVisibility", to_zero).await
        };
        let ((messages, took), _) = tokio::join!(receive(&server, &url, 20), change);

        assert_eq!(messages.len(), 1);
        within_ten_ms(took, 3.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shorter_timeout_applies_to_a_poll_that_waits_already() {
    let server = start().await;
    let url = queue(&server, "q", json!({ "VisibilityTimeout": "3600" })).await;
    send(&server, &url, "x").await;
    let handle = receive(&server, &url, 0).await.0[0]["ReceiptHandle"].clone();

    let change = async {
        sleep(Duration::from_secs(2)).await;
        let sooner = json!({ "QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 4 });
        call(&server, "ChangeMessageVisibility", sooner).await
    };
    let ((messages, took), _) = tokio::join!(receive(&server, &url, 20), change);

    assert_eq!(messages.len(), 1);
    within_ten_ms(took, 6.0);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_comes_back_wakes_a_poll() {
    let server = start().await;
    let dead = queue(&server, "dead", json!({})).await;
    let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 1 }).to_string();
    let url = queue(&server, "q", json!({ "RedrivePolicy": policy })).await;
    send(&server, &dead, "x").await;
    let task = json!({
        "SourceArn": arn,
        "DestinationArn": "arn:aws:sqs:us-east-1:000000000000:q",
    });

    let redrive = async {
        sleep(Duration::from_secs(7)).await;
        call(&server, "StartMessageMoveTask", task).await
    };
    let ((messages, took), _) = tokio::join!(receive(&server, &url, 20), redrive);

    assert_eq!(messages.len(), 1);
    within_ten_ms(took, 7.0);
}

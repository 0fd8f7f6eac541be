//! Long times on tokio's paused clock: fourteen days pass in a millisecond.

use std::time::Duration;

use serde_json::json;
use sqs_local::{Error, Faults, Latency, Options, SqsLocal};
use tokio::time::{Instant, advance};

use super::paused::{call, queue, receive, send, within_ten_ms};
use super::support::start;

const HOUR: u64 = 3600;

#[tokio::test(start_paused = true)]
async fn a_received_message_is_hidden_for_twelve_hours_and_no_longer() {
    let server = start().await;
    let url = queue(&server, "q", json!({ "VisibilityTimeout": "43200" })).await;
    send(&server, &url, "x").await;
    assert_eq!(receive(&server, &url, 0).await.0.len(), 1);
    advance(Duration::from_secs(12 * HOUR - 15)).await;

    assert_eq!(receive(&server, &url, 10).await.0.len(), 0);
    let (messages, took) = receive(&server, &url, 20).await;

    assert_eq!(messages.len(), 1);
    within_ten_ms(took, 5.0);
}

#[tokio::test(start_paused = true)]
async fn extensions_add_up_to_twelve_hours_at_most() {
    let server = start().await;
    let url = queue(&server, "q", json!({ "VisibilityTimeout": "43200" })).await;
    send(&server, &url, "x").await;
    let handle = receive(&server, &url, 0).await.0[0]["ReceiptHandle"].clone();
    advance(Duration::from_secs(11 * HOUR)).await;
    let change = |seconds: u64| {
        let document =
            json!({ "QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": seconds });
        document.to_string()
    };

    let an_hour = server.call("ChangeMessageVisibility", &change(HOUR)).await;
    let too_long = server
        .call("ChangeMessageVisibility", &change(HOUR + 1))
        .await;

    assert!(an_hour.is_ok());
    assert_eq!(
        too_long.unwrap_err().to_string(),
        "Value 3601 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout \
         for the message is beyond the limit [43200 seconds]."
    );
}

#[tokio::test(start_paused = true)]
async fn a_deleted_queues_name_is_free_after_a_minute_or_at_once_on_request() {
    let create = json!({ "QueueName": "q" }).to_string();
    let delete = json!({ "QueueUrl": "q" }).to_string();
    let server = start().await;
    server.call("CreateQueue", &create).await.unwrap();
    server.call("DeleteQueue", &delete).await.unwrap();
    advance(Duration::from_millis(59_900)).await;
    let early = server.call("CreateQueue", &create).await;
    advance(Duration::from_millis(100)).await;
    let late = server.call("CreateQueue", &create).await;

    assert_eq!(early, Err(Error::QueueDeletedRecently));
    assert!(late.is_ok());

    let options = Options {
        reuse_names: true,
        ..Options::default()
    };
    let server = SqsLocal::start_with(("127.0.0.1", 0), options)
        .await
        .unwrap();
    server.call("CreateQueue", &create).await.unwrap();
    server.call("DeleteQueue", &delete).await.unwrap();
    assert!(server.call("CreateQueue", &create).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_unread_message_is_kept_for_fourteen_days_and_no_longer() {
    let server = start().await;
    let url = queue(&server, "q", json!({ "MessageRetentionPeriod": "1209600" })).await;
    send(&server, &url, "x").await;
    let waiting = || server.control().queues()[0].waiting;

    advance(Duration::from_secs(14 * 24 * HOUR - 1)).await;
    assert_eq!(waiting(), 1);
    advance(Duration::from_secs(1)).await;
    assert_eq!(waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_drops_the_same_message_for_five_minutes() {
    let server = start().await;
    let url = queue(&server, "q.fifo", json!({ "FifoQueue": "true" })).await;
    let message = json!({
        "QueueUrl": url,
        "MessageBody": "x",
        "MessageGroupId": "g",
        "MessageDeduplicationId": "d",
    });
    let first = call(&server, "SendMessage", message.clone()).await;
    advance(Duration::from_secs(299)).await;
    let second = call(&server, "SendMessage", message.clone()).await;
    advance(Duration::from_secs(1)).await;
    let third = call(&server, "SendMessage", message).await;

    assert_eq!(first["SequenceNumber"], second["SequenceNumber"]);
    assert_ne!(first["SequenceNumber"], third["SequenceNumber"]);
    assert_eq!(server.control().queues()[0].waiting, 2);
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_purged_once_a_minute() {
    let server = start().await;
    let url = queue(&server, "q", json!({})).await;
    let purge = json!({ "QueueUrl": url }).to_string();

    server.call("PurgeQueue", &purge).await.unwrap();
    let refused = server.call("PurgeQueue", &purge).await.unwrap_err();
    advance(Duration::from_secs(60)).await;
    server.call("PurgeQueue", &purge).await.unwrap();

    assert_eq!(refused, Error::PurgeQueueInProgress("q".into()));
}

#[tokio::test(start_paused = true)]
async fn a_move_task_keeps_to_its_rate_and_can_be_cancelled() {
    let server = start().await;
    let dead = queue(&server, "dead", json!({})).await;
    let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 1 }).to_string();
    queue(&server, "q", json!({ "RedrivePolicy": policy })).await;
    let target = queue(&server, "target", json!({})).await;
    for body in 0..50 {
        send(&server, &dead, &body.to_string()).await;
    }
    let start = json!({
        "SourceArn": arn,
        "DestinationArn": "arn:aws:sqs:us-east-1:000000000000:target",
        "MaxNumberOfMessagesPerSecond": 10,
    });

    let handle = call(&server, "StartMessageMoveTask", start).await["TaskHandle"].clone();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let cancelled = call(
        &server,
        "CancelMessageMoveTask",
        json!({ "TaskHandle": handle }),
    )
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;

    let moved = cancelled["ApproximateNumberOfMessagesMoved"]
        .as_u64()
        .unwrap();
    assert!(
        (19..=21).contains(&moved),
        "moved {moved} in two seconds, not about 20"
    );
    let list = call(&server, "ListMessageMoveTasks", json!({ "SourceArn": arn })).await;
    assert_eq!(list["Results"][0]["Status"], "CANCELLED");
    assert_eq!(receive(&server, &target, 0).await.0.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn latency_has_the_given_median_and_tail() {
    let server = start().await;
    let latency = Some(Latency {
        p50_ms: 12.0,
        p99_ms: 40.0,
    });
    server
        .control()
        .inject(Faults {
            latency,
            ..Faults::default()
        })
        .unwrap();
    let mut times = Vec::new();
    for _ in 0..2000 {
        let began = Instant::now();
        call(&server, "ListQueues", json!({})).await;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);

    // Timers have a resolution of a millisecond, before the call and after it.
    assert!(
        (11.0..15.0).contains(&times[1000]),
        "median {}",
        times[1000]
    );
    assert!((32.0..52.0).contains(&times[1980]), "p99 {}", times[1980]);
}

#[tokio::test(start_paused = true)]
async fn two_queues_that_are_each_others_dead_letter_queue_pass_a_message_to_and_fro() {
    let server = start().await;
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let policy = |name: &str| {
        let policy = json!({ "deadLetterTargetArn": arn(name), "maxReceiveCount": 1 });
        json!({ "RedrivePolicy": policy.to_string(), "VisibilityTimeout": "1" })
    };
    let one = queue(&server, "one", json!({})).await;
    let two = queue(&server, "two", policy("one")).await;
    let set = json!({ "QueueUrl": one, "Attributes": policy("two") });
    call(&server, "SetQueueAttributes", set).await;
    send(&server, &one, "x").await;

    for (url, other) in [(&one, &two), (&two, &one), (&one, &two)] {
        assert_eq!(receive(&server, url, 0).await.0.len(), 1);
        let (here, there) = tokio::join!(receive(&server, url, 5), receive(&server, other, 0));
        assert_eq!((here.0.len(), there.0.len()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fifo_message_whose_shorter_timeout_ends_is_given_while_others_are_in_flight() {
    let server = start().await;
    let fifo = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    let url = queue(&server, "q.fifo", fifo).await;
    for body in ["1", "2", "3"] {
        let message = json!({ "QueueUrl": url, "MessageBody": body, "MessageGroupId": "g" });
        call(&server, "SendMessage", message).await;
    }
    let handle = receive(&server, &url, 0).await.0[0]["ReceiptHandle"].clone();
    let shorter = json!({ "QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 5 });
    call(&server, "ChangeMessageVisibility", shorter).await;

    let (messages, took) = receive(&server, &url, 20).await;

    assert_eq!((messages.len(), &messages[0]["Body"]), (1, &json!("1")));
    within_ten_ms(took, 5.0);
}

#[tokio::test(start_paused = true)]
async fn a_new_deduplication_scope_holds_for_what_is_sent_a_minute_later() {
    for (before, after) in [("queue", "messageGroup"), ("messageGroup", "queue")] {
        let server = start().await;
        let scope = |scope: &str| json!({ "FifoQueue": "true", "DeduplicationScope": scope });
        let url = queue(&server, "q.fifo", scope(before)).await;
        let send = async |group: &str, id: &str| {
            let message = json!({
                "QueueUrl": url,
                "MessageBody": "x",
                "MessageGroupId": group,
                "MessageDeduplicationId": id,
            });
            call(&server, "SendMessage", message).await["SequenceNumber"].clone()
        };
        let is_one = |scope: &str| scope == "queue";
        let old = send("a", "old").await;
        let set = json!({ "QueueUrl": url, "Attributes": { "DeduplicationScope": after } });
        call(&server, "SetQueueAttributes", set).await;

        assert_eq!(send("b", "old").await == old, is_one(before));
        let early = send("a", "early").await;
        assert_eq!(send("b", "early").await == early, is_one(before));
        advance(Duration::from_secs(60)).await;
        assert_eq!(send("c", "old").await == old, is_one(before));
        let late = send("a", "late").await;
        assert_eq!(send("b", "late").await == late, is_one(after));
    }
}

//! Receives: parameters, results and long polls.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn an_empty_queue_gives_nothing() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let answer = sqs.client.receive_message().queue_url(&url).send().await;
    assert!(answer.unwrap().messages.is_none());
}

#[tokio::test]
async fn a_receive_takes_one_message_or_up_to_ten() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    for i in 0..12 {
        sqs.send(&url, &i.to_string()).await;
    }
    let one = sqs.client.receive_message().queue_url(&url).send().await;
    assert_eq!(one.unwrap().messages().len(), 1);
    assert_eq!(sqs.receive(&url).await.len(), 10);
    assert_eq!(sqs.receive(&url).await.len(), 1);
}

#[tokio::test]
async fn every_parameter_has_its_range() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let receive = || sqs.client.receive_message().queue_url(&url);
    for (number, text) in [(0, "0"), (11, "11"), (-1, "-1")] {
        let error = refused(receive().max_number_of_messages(number).send().await);
        let reason = "Must be between 1 and 10, if provided.";
        assert_eq!(error, invalid("MaxNumberOfMessages", text, reason));
    }
    for (seconds, text) in [(-1, "-1"), (21, "21")] {
        let error = refused(receive().wait_time_seconds(seconds).send().await);
        let reason = "Must be >= 0 and <= 20, if provided.";
        assert_eq!(error, invalid("WaitTimeSeconds", text, reason));
    }
    for (seconds, text) in [(-1, "-1"), (43_201, "43201")] {
        let error = refused(receive().visibility_timeout(seconds).send().await);
        let reason = "Must be >= 0 and <= 43200, if provided.";
        assert_eq!(error, invalid("VisibilityTimeout", text, reason));
    }
    let attempt = receive().receive_request_attempt_id("again").send().await;
    let reason = "The request include parameter that is not valid for this queue type.";
    assert_eq!(
        refused(attempt),
        invalid("ReceiveRequestAttemptId", "again", reason)
    );
}

#[tokio::test]
async fn system_attributes_are_requested_by_the_old_and_the_new_parameter() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("VisibilityTimeout", "0")]).await;
    sqs.send(&url, "x").await;
    let receive = |old: Option<&str>, new: Option<&str>| {
        let receive = sqs.client.receive_message().queue_url(&url);
        #[expect(deprecated, reason = "the old name still works at Amazon")]
        let receive = receive.set_attribute_names(old.map(|name| vec![name.into()]));
        receive
            .set_message_system_attribute_names(new.map(|name| vec![name.into()]))
            .send()
    };
    for (old, new, count) in [
        (None, None, 0),
        (Some("SentTimestamp"), None, 1),
        (None, Some("SentTimestamp"), 1),
        (Some("SentTimestamp"), Some("SenderId"), 2),
        (Some("SentTimestamp"), Some("All"), 4),
        (Some("All"), None, 4),
        (None, Some("DeadLetterQueueSourceArn"), 0),
    ] {
        let answer = receive(old, new).await.unwrap();
        let attributes = answer.messages()[0].attributes();
        assert_eq!(attributes.map_or(0, HashMap::len), count, "{old:?} {new:?}");
    }
    for (old, new) in [(Some("Colour"), None), (Some("All"), Some("Colour"))] {
        let error = refused(receive(old, new).await);
        assert_eq!(error, "InvalidAttributeName: Unknown Attribute Colour.");
    }
}

#[tokio::test]
async fn the_queue_counts_receives_and_keeps_the_first_ones_time() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("VisibilityTimeout", "0")]).await;
    sqs.send(&url, "x").await;
    let first = sqs.receive(&url).await.remove(0);
    let second = sqs.receive(&url).await.remove(0);
    let time = |message: &Message, name| system(message, name).unwrap().parse::<u64>().unwrap();

    assert_eq!(time(&first, "ApproximateReceiveCount"), 1);
    assert_eq!(time(&second, "ApproximateReceiveCount"), 2);
    let began = time(&first, "ApproximateFirstReceiveTimestamp");
    assert_eq!(time(&second, "ApproximateFirstReceiveTimestamp"), began);
    assert!(time(&first, "SentTimestamp") <= began);
    assert!(began > 1_000_000_000_000, "milliseconds, not seconds");
    assert_eq!(first.message_id(), second.message_id());
    assert_ne!(first.receipt_handle(), second.receipt_handle());
    assert!(!system(&first, "SenderId").unwrap().is_empty());
}

#[tokio::test]
async fn a_long_poll_wakes_at_a_send() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let poll = sqs.client.receive_message().queue_url(&url);
    let poll = poll.wait_time_seconds(20).send();
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
async fn a_long_poll_waits_on_an_empty_queue_and_not_on_a_full_one() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[("ReceiveMessageWaitTimeSeconds", "1")]).await;
    let began = Instant::now();
    let poll = || sqs.client.receive_message().queue_url(&url);
    assert!(poll().send().await.unwrap().messages.is_none());
    assert!(began.elapsed() >= Duration::from_millis(900));

    // Zero has precedence over the queue's own time, and a poll does not wait for a tenth message.
    let began = Instant::now();
    assert!(
        poll()
            .wait_time_seconds(0)
            .send()
            .await
            .unwrap()
            .messages
            .is_none()
    );
    sqs.send(&url, "x").await;
    let some = poll()
        .wait_time_seconds(20)
        .max_number_of_messages(10)
        .send()
        .await;
    assert_eq!(some.unwrap().messages().len(), 1);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_poll_ends_when_its_queue_is_deleted() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let poll = sqs.client.receive_message().queue_url(&url);
    let poll = tokio::spawn(poll.wait_time_seconds(20).send());
    sqs.client
        .delete_queue()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    let error = refused(poll.await.unwrap());
    assert!(
        error.starts_with("AWS.SimpleQueueService.NonExistentQueue: "),
        "{error}"
    );
}

#[tokio::test]
async fn the_three_counts_are_right() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let counts = async || {
        let all = sqs.attributes(&url, "All").await;
        ["", "NotVisible", "Delayed"].map(|state| {
            let name = format!("ApproximateNumberOfMessages{state}");
            all[&name.as_str().into()].parse::<u32>().unwrap()
        })
    };
    for i in 0..5 {
        sqs.send(&url, &i.to_string()).await;
    }
    let late = sqs
        .client
        .send_message()
        .queue_url(&url)
        .message_body("late");
    late.delay_seconds(900).send().await.unwrap();
    assert_eq!(counts().await, [5, 0, 1]);
    let two = sqs
        .client
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(2);
    let two = two.send().await.unwrap().messages.unwrap();
    assert_eq!(counts().await, [3, 2, 1]);
    sqs.delete(&url, &two[0]).await;
    sqs.change(&url, &two[1], 0).await;
    assert_eq!(counts().await, [4, 0, 1]);
}

#[tokio::test]
async fn a_quiet_tenant_is_not_held_up_by_a_noisy_one() {
    let sqs = Endpoint::open().await;
    let url = sqs.queue(&[]).await;
    let send = |group: &str, body: String| {
        let send = sqs.client.send_message().queue_url(&url);
        send.message_group_id(group).message_body(body).send()
    };
    for i in 0..5 {
        send("noisy", format!("noisy {i}")).await.unwrap();
    }
    let receive = || sqs.client.receive_message().queue_url(&url).send();
    receive().await.unwrap();
    send("quiet", "quiet".into()).await.unwrap();

    assert_eq!(bodies(receive().await.unwrap().messages()), ["quiet"]);
}

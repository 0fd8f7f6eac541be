//! Moving dead letters back.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry as Task;
use tokio::task::yield_now;

use super::*;

/// A dead-letter queue with one message, and the source queue of that message.
async fn dead_letter(sqs: &Endpoint) -> (String, String) {
    let dead = sqs.queue(&[]).await;
    let arn = sqs.arn(&dead).await;
    let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#);
    let url = sqs
        .queue(&[("VisibilityTimeout", "0"), ("RedrivePolicy", &policy)])
        .await;
    sqs.send(&url, "x").await;
    sqs.receive(&url).await;
    assert!(sqs.receive(&url).await.is_empty());
    (dead, url)
}

/// Waits for the end of the task of this source, and returns it.
async fn ended(sqs: &Endpoint, source: &str) -> Task {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let list = sqs.client.list_message_move_tasks().source_arn(source);
        let task = list.send().await.unwrap().results.unwrap().remove(0);
        if task.status() != Some("RUNNING") {
            return task;
        }
        assert!(Instant::now() < deadline, "still running: {task:?}");
        yield_now().await;
    }
}

#[tokio::test]
async fn dead_letters_go_back_to_where_they_came_from() {
    let sqs = Endpoint::open().await;
    let (dead, url) = dead_letter(&sqs).await;
    let source = sqs.arn(&dead).await;
    let before = sqs.receive(&dead).await.remove(0);
    sqs.change(&dead, &before, 0).await;

    let start = sqs.client.start_message_move_task().source_arn(&source);
    start.send().await.unwrap();

    let task = ended(&sqs, &source).await;
    assert_eq!(task.status(), Some("COMPLETED"));
    assert_eq!(task.approximate_number_of_messages_moved(), 1);
    assert_eq!(task.approximate_number_of_messages_to_move(), Some(1));
    assert_eq!((task.destination_arn(), task.task_handle()), (None, None));
    assert_eq!(task.source_arn(), Some(&*source));
    assert!(task.started_timestamp() > 1_000_000_000_000);
    // A moved message is a new message.
    let back = sqs.receive(&url).await.remove(0);
    assert_eq!(back.body(), Some("x"));
    assert_ne!(back.message_id(), before.message_id());
    assert_eq!(system(&back, "ApproximateReceiveCount"), Some("1"));
    assert_eq!(system(&back, "DeadLetterQueueSourceArn"), None);
}

#[tokio::test]
async fn dead_letters_go_to_the_given_destination() {
    let sqs = Endpoint::open().await;
    let (dead, _) = dead_letter(&sqs).await;
    let source = sqs.arn(&dead).await;
    let target = sqs.queue(&[]).await;
    let arn = sqs.arn(&target).await;
    let start = sqs.client.start_message_move_task().source_arn(&source);
    start.destination_arn(&arn).send().await.unwrap();
    let task = ended(&sqs, &source).await;
    assert_eq!(task.destination_arn(), Some(&*arn));
    assert_eq!(bodies(&sqs.receive(&target).await), ["x"]);
}

#[tokio::test]
async fn a_message_without_a_source_cannot_go_back() {
    let sqs = Endpoint::open().await;
    let (dead, _) = dead_letter(&sqs).await;
    let source = sqs.arn(&dead).await;
    let letter = sqs.receive(&dead).await.remove(0);
    sqs.delete(&dead, &letter).await;
    sqs.send(&dead, "sent here").await;
    let start = sqs.client.start_message_move_task().source_arn(&source);
    start.send().await.unwrap();
    let task = ended(&sqs, &source).await;
    assert_eq!(task.status(), Some("FAILED"));
    assert_eq!(
        task.failure_reason(),
        Some("CouldNotDetermineMessageSource")
    );
    assert_eq!(bodies(&sqs.receive(&dead).await), ["sent here"]);
}

#[tokio::test]
async fn a_task_fails_when_its_destination_is_deleted() {
    let sqs = Endpoint::open().await;
    let (dead, _) = dead_letter(&sqs).await;
    let source = sqs.arn(&dead).await;
    sqs.send(&dead, "second").await;
    let target = sqs.queue(&[]).await;
    let start = sqs.client.start_message_move_task().source_arn(&source);
    let start = start.destination_arn(sqs.arn(&target).await);
    start
        .max_number_of_messages_per_second(1)
        .send()
        .await
        .unwrap();
    sqs.client
        .delete_queue()
        .queue_url(&target)
        .send()
        .await
        .unwrap();
    let task = ended(&sqs, &source).await;
    assert_eq!(task.status(), Some("FAILED"));
    let reason = "AWS.SimpleQueueService.NonExistentQueue";
    assert_eq!(task.failure_reason(), Some(reason));
}

#[tokio::test]
async fn one_task_runs_at_a_time_until_it_is_cancelled() {
    let sqs = Endpoint::open().await;
    let (dead, _) = dead_letter(&sqs).await;
    let source = sqs.arn(&dead).await;
    sqs.send(&dead, "second").await;
    let target = sqs.arn(&sqs.queue(&[]).await).await;
    let start = || {
        let start = sqs.client.start_message_move_task().source_arn(&source);
        start
            .destination_arn(&target)
            .max_number_of_messages_per_second(1)
            .send()
    };
    let handle = start().await.unwrap().task_handle.unwrap();
    assert_eq!(
        refused(start().await),
        "InvalidParameterValue: There is already a task running. Only one active task is allowed \
         for a source queue arn at a given time."
    );
    let list = sqs.client.list_message_move_tasks().source_arn(&source);
    let running = list.send().await.unwrap().results.unwrap().remove(0);
    assert_eq!(
        (running.status(), running.task_handle()),
        (Some("RUNNING"), Some(&*handle))
    );
    assert_eq!(running.max_number_of_messages_per_second(), Some(1));

    let cancel = || {
        sqs.client
            .cancel_message_move_task()
            .task_handle(&handle)
            .send()
    };
    assert!(
        cancel()
            .await
            .unwrap()
            .approximate_number_of_messages_moved()
            <= 2
    );
    let no_task = "ResourceNotFoundException: Task does not exist.";
    assert_eq!(refused(cancel().await), no_task);
    start().await.unwrap();
    let both = sqs
        .client
        .list_message_move_tasks()
        .source_arn(&source)
        .max_results(10);
    assert_eq!(both.send().await.unwrap().results().len(), 2);
}

#[tokio::test]
async fn a_task_that_cannot_start_gives_the_reason() {
    let sqs = Endpoint::open().await;
    let (dead, url) = dead_letter(&sqs).await;
    let (source, arn) = (sqs.arn(&dead).await, sqs.arn(&url).await);
    let fifo = sqs.arn(&sqs.queue(&FIFO).await).await;
    let start = |source: &str, target: Option<&str>, rate| {
        let start = sqs.client.start_message_move_task().source_arn(source);
        let start = start.set_destination_arn(target.map(String::from));
        start.set_max_number_of_messages_per_second(rate).send()
    };
    let invalid = |text: &str| format!("InvalidParameterValue: {text}");
    let form = |name| {
        invalid(&format!(
            "You must use this format to specify the {name}: \
             arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        ))
    };
    let gone = |name| {
        format!(
            "ResourceNotFoundException: The resource that you specified for the {name} parameter \
             doesn't exist."
        )
    };
    let rate = invalid(
        "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a \
         number that's between 1 and 500.",
    );
    let missing = format!("{arn}-missing");
    let not_dead = invalid("Source queue must be configured as a Dead Letter Queue.");
    let same = invalid("Source queue arn and destination queue arn cannot be the same.");
    let types = invalid("The source queue and destination queue must be of the same queue type.");
    for (source, target, number, text) in [
        ("", None, None, form("SourceArn")),
        (&*url, None, None, form("SourceArn")),
        (&*missing, None, None, gone("SourceArn")),
        (&*arn, None, None, not_dead),
        (&*source, Some(&*source), None, same),
        (&*source, Some("junk"), None, form("DestinationArn")),
        (&*source, Some(&*missing), None, gone("DestinationArn")),
        (&*source, Some(&*fifo), None, types),
        (&*source, None, Some(0), rate.clone()),
        (&*source, None, Some(501), rate),
    ] {
        assert_eq!(refused(start(source, target, number).await), text);
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_cancelled_or_listed_gives_the_reason() {
    let sqs = Endpoint::open().await;
    let (dead, _) = dead_letter(&sqs).await;
    let source = sqs.arn(&dead).await;
    let cancel = |handle: &str| {
        sqs.client
            .cancel_message_move_task()
            .task_handle(handle)
            .send()
    };
    assert_eq!(
        refused(cancel("junk").await),
        "InvalidParameterValue: Value for parameter TaskHandle is invalid."
    );
    // {"taskId":"3c0a2a4e-0000-4000-8000-000000000000","sourceArn":"arn:aws:sqs:us-east-1:..."}
    let unknown = "eyJ0YXNrSWQiOiIzYzBhMmE0ZS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAiLCJzb3VyY2VBcm4i\
                   OiJhcm46YXdzOnNxczp1cy1lYXN0LTE6MDAwMDAwMDAwMDAwOm5vbmUifQ==";
    assert_eq!(
        refused(cancel(unknown).await),
        "ResourceNotFoundException: The resource that you specified for the SourceArn parameter \
         doesn't exist."
    );
    let list = |most| {
        let list = sqs.client.list_message_move_tasks().source_arn(&source);
        list.max_results(most).send()
    };
    for most in [0, 11] {
        assert_eq!(
            refused(list(most).await),
            "InvalidParameterValue: Value for parameter MaxResults is invalid. Reason: You must \
             enter a number that's between 1 and 10."
        );
    }
    assert!(list(10).await.unwrap().results().is_empty());
}

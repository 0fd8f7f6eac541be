//! Redrive: full calls, and a report of the dead letters that could not be moved.

use std::time::Duration;

use messaging::dead_letters::{self, Selection};
use messaging::{Provision, Sqs, Transport};
use sqs_local::{Control, Faults, SqsLocal};

use crate::fixture::{quick, sqs};

/// Creates dead letters of these lengths in bytes.
async fn dead(lengths: impl IntoIterator<Item = usize>) -> (SqsLocal, Sqs) {
    let (server, sqs) = sqs().await;
    let transport = Transport::from(sqs.clone());
    let created = transport.ensure(&quick("parcels"), Provision::Create).await;
    created.unwrap();
    let found = sqs.client().get_queue_url().queue_name("parcels-dlq");
    let url = found.send().await.unwrap().queue_url.unwrap();
    for length in lengths {
        let send = sqs.client().send_message().queue_url(&url);
        let send = send.message_body("x".repeat(length));
        send.send().await.unwrap();
    }
    (server, sqs)
}

fn waiting(control: &Control, queue: &str) -> usize {
    let queues = control.queues();
    queues.iter().find(|q| q.name == queue).unwrap().waiting
}

#[tokio::test]
async fn long_dead_letters_are_moved_in_several_calls() {
    for (count, length) in [(2, 600_000), (10, 150_000), (11, 1024 * 1024)] {
        let (server, sqs) = dead((0..count).map(|_| length)).await;
        let redriven = dead_letters::redrive(&sqs, "parcels-dlq", &Selection::All, 1e3).await;
        assert_eq!(redriven.unwrap().moved, count, "{count} of {length}");
        let control = server.control();
        let depths = ["parcels", "parcels-dlq"].map(|queue| waiting(&control, queue));
        assert_eq!(depths, [count as usize, 0], "{count} of {length}");
    }
}

#[tokio::test]
async fn a_dead_letter_that_cannot_be_moved_is_reported_and_the_counts_add_up() {
    let (server, sqs) = dead((0..30).map(|_| 1)).await;
    let control = server.control();
    let throttled = Faults {
        throttle_entries: 0.5,
        ..Faults::default()
    };
    control.inject_on("parcels", Some(throttled)).unwrap();
    let some = dead_letters::peek(&sqs, "parcels-dlq", 30).await.unwrap();
    let some = Selection::Ids(some.iter().map(|letter| letter.id).take(20).collect());
    let redriven = dead_letters::redrive(&sqs, "parcels-dlq", &some, 1e3).await;
    let redriven = redriven.unwrap();
    let failed = redriven.failed.len() as u64;
    assert!(failed > 0 && redriven.moved > 0, "{redriven:?}");
    assert_eq!(redriven.moved + failed, 20, "{redriven:?}");
    assert!(redriven.kept <= 10, "{redriven:?}");
    for letter in &redriven.failed {
        let is_named = matches!(&some, Selection::Ids(ids) if ids.contains(&letter.id));
        assert!(
            is_named && letter.reason.contains("RequestThrottled"),
            "{letter:?}"
        );
    }
    assert_eq!(waiting(&control, "parcels") as u64, redriven.moved);
    assert_eq!(
        waiting(&control, "parcels-dlq") as u64,
        10 + failed,
        "all are visible at once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_whose_delete_is_throttled_is_deleted_later() {
    let (server, sqs) = dead([1]).await;
    let control = server.control();
    let throttle = |throttle_entries| {
        let rule = Faults {
            throttle_entries,
            blame_sender: true,
            ..Faults::default()
        };
        control.inject_on("parcels-dlq", Some(rule)).unwrap();
    };
    throttle(1.0);
    let all = dead_letters::redrive(&sqs, "parcels-dlq", &Selection::All, 1e3);
    let ending = async {
        while !control.calls().contains_key("DeleteMessageBatch") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        throttle(0.0);
    };
    let (redriven, ()) = tokio::join!(all, ending);
    assert_eq!(redriven.unwrap().moved, 1);
    let queues = control.queues();
    let dead = queues.iter().find(|q| q.name == "parcels-dlq").unwrap();
    assert_eq!((dead.waiting, dead.in_flight), (0, 0));
}

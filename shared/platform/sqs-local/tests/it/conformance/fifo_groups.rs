//! Which message of which group a FIFO queue delivers next. LocalStack recorded these orders from
//! Amazon.

use super::*;

/// A FIFO queue with these messages, each named after its group.
async fn queue(sqs: &Endpoint, messages: &[&str]) -> String {
    let url = sqs.queue(&FIFO).await;
    for body in messages {
        let group = body.split('-').next().unwrap();
        sqs.send_to_group(&url, group, body).await;
    }
    url
}

async fn take(sqs: &Endpoint, url: &str, most: i32, timeout: i32) -> Vec<Message> {
    let receive = sqs.client.receive_message().queue_url(url);
    let receive = receive.max_number_of_messages(most);
    let answer = receive.visibility_timeout(timeout).send().await.unwrap();
    answer.messages.unwrap_or_default()
}

#[tokio::test]
async fn messages_ahead_of_the_first_message_in_flight_are_delivered() {
    let sqs = Endpoint::open().await;
    for (in_flight, expected) in [(0, &[][..]), (1, &["g-1"]), (2, &["g-1", "g-2"])] {
        let url = queue(&sqs, &["g-1", "g-2", "g-3"]).await;
        let all = take(&sqs, &url, 10, 60).await;
        assert_eq!(all.len(), 3);
        for (n, message) in all.iter().enumerate() {
            if n != in_flight {
                sqs.change(&url, message, 0).await;
            }
        }
        assert_eq!(
            bodies(&take(&sqs, &url, 10, 60).await),
            expected,
            "{in_flight}"
        );
    }
}

#[tokio::test]
async fn a_message_made_visible_is_delivered_again_while_later_ones_are_in_flight() {
    let sqs = Endpoint::open().await;
    let url = queue(&sqs, &["g-1", "g-2", "g-3"]).await;
    let all = take(&sqs, &url, 10, 60).await;
    sqs.change(&url, &all[0], 0).await;

    let again = take(&sqs, &url, 10, 60).await;
    assert_eq!(bodies(&again), ["g-1"]);
    assert!(take(&sqs, &url, 10, 60).await.is_empty());

    // A message behind one in flight waits for it.
    sqs.change(&url, &all[2], 0).await;
    assert!(take(&sqs, &url, 10, 60).await.is_empty());
    sqs.delete(&url, &again[0]).await;
    assert!(take(&sqs, &url, 10, 60).await.is_empty());
    sqs.delete(&url, &all[1]).await;
    assert_eq!(bodies(&take(&sqs, &url, 10, 60).await), ["g-3"]);
}

#[tokio::test]
async fn the_next_receive_begins_with_another_group() {
    let sqs = Endpoint::open().await;
    let url = queue(&sqs, &["a-1", "b-1", "c-1", "a-2"]).await;
    let mut served = Vec::new();
    for _ in 0..9 {
        let message = take(&sqs, &url, 1, 60).await.remove(0);
        sqs.change(&url, &message, 0).await;
        served.extend(message.body().map(String::from));
    }
    assert_eq!(served, ["a-1", "b-1", "c-1"].repeat(3));
}

#[tokio::test]
async fn groups_are_served_in_rotation_and_each_keeps_its_order() {
    let sqs = Endpoint::open().await;
    let url = queue(&sqs, &["g1-1", "g2-1", "g2-2", "g3-1", "g1-2"]).await;
    let first = take(&sqs, &url, 3, 0).await;
    assert_eq!(bodies(&first), ["g1-1", "g1-2", "g2-1"]);
    let second = take(&sqs, &url, 10, 0).await;
    assert_eq!(bodies(&second), ["g3-1", "g1-1", "g1-2", "g2-1", "g2-2"]);

    let url = queue(&sqs, &["g1-1", "g1-2", "g2-1"]).await;
    let two = take(&sqs, &url, 2, 60).await;
    sqs.change(&url, &two[0], 0).await;
    assert_eq!(bodies(&take(&sqs, &url, 3, 60).await), ["g2-1", "g1-1"]);
}

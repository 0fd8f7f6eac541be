//! What a queue remembers after a restart.

use std::sync::Arc;
use std::time::Duration;

use sqs_queue::{Content, Queue, Receive, Refusal, Scope, Settings, State, Time};
use uuid::Uuid;

use super::disk::Disk;

/// A queue that is stored after each step.
struct Stored {
    queue: Queue<()>,
    disk: Disk,
    settings: Settings,
}

impl Stored {
    fn new(fifo: bool) -> Stored {
        let settings = Settings::new(fifo);
        let mut queue = Queue::new(1, settings.clone());
        queue.record_changes();
        Stored {
            queue,
            disk: Disk::default(),
            settings,
        }
    }

    fn send(&mut self, now: Time, deduplication_id: &str) -> (Uuid, u64) {
        let content = Content {
            id: Uuid::from_u128(now.0.into()),
            group: Some("group".into()),
            deduplication_id: Some(deduplication_id.into()),
            payload: (),
        };
        self.queue.send(now, Arc::new(content), None)
    }

    fn receive(&mut self, now: Time, attempt: &str) -> Vec<sqs_queue::Delivery<()>> {
        let request = Receive {
            max: 10,
            attempt: Some(attempt.into()),
            ..Receive::default()
        };
        self.queue.receive(now, &request).deliveries
    }

    fn restart(&mut self) {
        self.disk.store(&mut self.queue);
        self.queue = self.disk.queue(1, self.settings.clone());
    }
}

#[test]
fn a_repeated_send_is_still_recognised_for_five_minutes() {
    let mut stored = Stored::new(true);
    let first = stored.send(Time(0), "a");
    stored.restart();
    assert_eq!(stored.send(Time(299_999), "a"), first);
    stored.restart();
    assert_ne!(stored.send(Time(300_000), "a"), first);
}

#[test]
fn the_old_deduplication_scope_still_holds_for_a_minute() {
    let mut stored = Stored::new(true);
    let first = stored.send(Time(0), "a");
    stored.settings.deduplication_scope = Scope::MessageGroup;
    stored.queue.reconfigure(Time(0), stored.settings.clone());
    stored.restart();
    assert_eq!(stored.send(Time(59_999), "a"), first);
}

#[test]
fn a_repeated_receive_attempt_still_gets_the_same_messages() {
    let mut stored = Stored::new(true);
    stored.send(Time(0), "a");
    let first = stored.receive(Time(0), "attempt")[0].receipt;
    stored.restart();
    let again = stored.receive(Time(1), "attempt");
    assert_eq!(
        (again[0].receipt, again[0].history.receive_count),
        (first, 1)
    );
    assert!(stored.receive(Time(1), "another").is_empty());
}

#[test]
fn no_sequence_and_no_receipt_is_used_twice() {
    let mut stored = Stored::new(true);
    let (_, first) = stored.send(Time(0), "a");
    let receipt = stored.receive(Time(0), "1")[0].receipt;
    stored.queue.delete(Time(0), receipt).unwrap();
    stored.restart();
    let (_, second) = stored.send(Time(1), "b");
    let later = stored.receive(Time(1), "2")[0].receipt;
    assert!(second > first && later.receive > receipt.receive);
    assert_eq!(stored.queue.delete(Time(1), receipt), Ok(()));
    assert_eq!(stored.queue.depth(Time(1)).in_flight, 1);
}

#[test]
fn an_old_receipt_of_a_message_in_flight_still_deletes_it() {
    let mut stored = Stored::new(true);
    stored.send(Time(0), "a");
    let receipt = stored.receive(Time(0), "1")[0].receipt;
    stored.restart();
    assert_eq!(
        stored.queue.delete(Time(30_000), receipt),
        Err(Refusal::Expired)
    );
    stored.restart();
    let receipt = stored.receive(Time(30_000), "2")[0].receipt;
    stored.restart();
    stored.queue.delete(Time(30_001), receipt).unwrap();
    stored.restart();
    assert_eq!(stored.queue.depth(Time(90_000)), Default::default());
}

#[test]
fn a_message_on_its_way_is_stored_where_it_was_until_it_arrives() {
    let (mut from, mut to) = (Stored::new(false), Stored::new(false));
    from.send(Time(0), "a");
    from.disk.store(&mut from.queue);
    let departure = from.queue.take_out(Time(1)).unwrap();
    assert_eq!(from.queue.depth(Time(1)), Default::default());
    from.disk.store(&mut from.queue);
    assert_eq!(from.disk.messages[&1].state, State::Waiting);

    to.queue.accept(Time(1), departure);
    let origins = to.disk.store(&mut to.queue);
    origins
        .into_iter()
        .for_each(|origin| from.disk.leave(origin));
    assert_eq!((from.disk.messages.len(), to.disk.messages.len()), (0, 1));
}

#[test]
fn a_purge_is_stored_and_so_is_what_comes_after_it() {
    let mut stored = Stored::new(true);
    let (_, first) = stored.send(Time(0), "a");
    stored.disk.store(&mut stored.queue);
    stored.send(Time(0), "b");
    stored.queue.purge();
    let (_, last) = stored.send(Time(1), "a");
    stored.restart();
    assert!(last > first);
    assert!(stored.disk.messages.keys().eq([&last]));
    assert_eq!(stored.queue.depth(Time(1)).waiting, 1);
}

#[test]
fn a_delay_ends_when_it_would_have_ended() {
    let mut stored = Stored::new(false);
    stored.settings.delay = Duration::from_secs(5);
    stored.queue.reconfigure(Time(0), stored.settings.clone());
    stored.send(Time(0), "a");
    stored.restart();
    assert_eq!(stored.queue.depth(Time(4_999)).delayed, 1);
    assert_eq!(stored.queue.depth(Time(5_000)).waiting, 1);
}

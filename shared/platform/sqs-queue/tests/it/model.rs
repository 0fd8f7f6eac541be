//! The queue against a model that is too simple to be wrong: a list of messages that every
//! operation searches from end to end.

mod simple;

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sqs_queue::{Content, Delivery, Queue, Receive, Settings, Time};
use uuid::Uuid;

use self::simple::Model;
use super::disk::Disk;

#[derive(Clone, Debug)]
enum Step {
    Send {
        group: Option<u8>,
        delay: Option<u64>,
    },
    Receive {
        max: usize,
        visibility: u64,
        max_receive_count: Option<u32>,
    },
    Delete(usize),
    Change {
        receipt: usize,
        seconds: u64,
    },
    TakeBack,
    Wait(u64),
    /// Changes the retention to so many seconds.
    Retain(u64),
    /// Ends the queue, and makes another one of what was stored of it.
    Restart,
}

fn step(fifo: bool) -> impl Strategy<Value = Step> {
    let group = if fifo {
        (0..3u8).prop_map(Some).boxed()
    } else {
        any::<Option<bool>>()
            .prop_map(|group| group.map(u8::from))
            .boxed()
    };
    let delay = if fifo {
        Just(None).boxed()
    } else {
        prop::option::of(0..5u64).boxed()
    };
    prop_oneof![
        4 => (group, delay).prop_map(|(group, delay)| Step::Send { group, delay }),
        4 => (1..4usize, 0..6u64, prop::option::of(1..3u32)).prop_map(
            |(max, visibility, max_receive_count)| Step::Receive {
                max,
                visibility,
                max_receive_count,
            }
        ),
        2 => (0..8usize).prop_map(Step::Delete),
        1 => (0..8usize, 0..6u64)
            .prop_map(|(receipt, seconds)| Step::Change { receipt, seconds }),
        1 => Just(Step::TakeBack),
        2 => (0..4u64).prop_map(Step::Wait),
        1 => Just(Step::Wait(40)),
        1 => prop_oneof![Just(2), Just(5), Just(60)].prop_map(Step::Retain),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_standard_queue_does_what_the_model_does(steps in vec(step(false), 1..60)) {
        run(false, &steps);
    }

    #[test]
    fn a_fifo_queue_does_what_the_model_does(steps in vec(step(true), 1..60)) {
        run(true, &steps);
    }
}

fn run(fifo: bool, steps: &[Step]) {
    let retaining = |retention| Settings {
        retention,
        ..Settings::new(fifo)
    };
    let mut model = Model::new(fifo);
    let mut queue = Queue::new(7, retaining(model.retention));
    queue.record_changes();
    let mut disk = Disk::default();
    let mut now = Time(1_000_000);
    let mut deliveries: Vec<Delivery<()>> = Vec::new();
    let mut last = Vec::new();

    for step in steps {
        model.advance(now);
        let recent = |back: usize| {
            deliveries
                .len()
                .checked_sub(1 + back)
                .map(|index| deliveries[index].receipt)
        };
        match step {
            Step::Send { group, delay } => {
                let content = content(*group);
                let (_, sequence) = queue.send(now, content, delay.map(Duration::from_secs));
                model.send(now, sequence, *group, delay.unwrap_or(0));
            }
            Step::Receive {
                max,
                visibility,
                max_receive_count,
            } => {
                let visibility = Duration::from_secs(*visibility);
                let request = Receive {
                    max: *max,
                    visibility: Some(visibility),
                    max_receive_count: *max_receive_count,
                    ..Receive::default()
                };
                let received = queue.receive(now, &request);
                last = received.deliveries;
                let got: Vec<_> = last.iter().map(|delivery| delivery.sequence).collect();
                let expected = model.receive(now + visibility, *max, *max_receive_count);
                assert_eq!((got, received.dead.len()), expected, "received");
                for dead in &received.dead {
                    disk.leave(dead.from);
                }
                for delivery in &last {
                    model.held(delivery.sequence).receipt = Some(delivery.receipt);
                }
                deliveries.extend(last.clone());
            }
            Step::Delete(back) => {
                if let Some(receipt) = recent(*back) {
                    assert_eq!(queue.delete(now, receipt), model.delete(receipt), "deleted");
                }
            }
            Step::Change {
                receipt: back,
                seconds,
            } => {
                if let Some(receipt) = recent(*back) {
                    let visibility = Duration::from_secs(*seconds);
                    let result = queue.change_visibility(now, receipt, visibility);
                    assert_eq!(result, model.change(receipt, now + visibility), "changed");
                }
            }
            Step::TakeBack => {
                queue.take_back(now, &last);
                for delivery in &last {
                    model.take_back(delivery.receipt);
                }
            }
            Step::Wait(seconds) => now = now + Duration::from_secs(*seconds),
            Step::Retain(seconds) => {
                model.retention = Duration::from_secs(*seconds);
                queue.reconfigure(now, retaining(model.retention));
            }
            Step::Restart => {
                queue = disk.queue(7, retaining(model.retention));
                model.restart();
            }
        }
        model.advance(now);
        let depth = queue.depth(now);
        assert_eq!(
            (depth.delayed, depth.waiting, depth.in_flight),
            model.depth(),
            "depth"
        );
        disk.store(&mut queue);
    }
}

fn content(group: Option<u8>) -> Arc<Content<()>> {
    Arc::new(Content {
        id: Uuid::nil(),
        group: group.map(|group| group.to_string().into()),
        deduplication_id: None,
        payload: (),
    })
}

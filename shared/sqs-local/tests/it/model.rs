//! The state machine against a model that is too simple to be wrong: a list of messages, looked
//! through from end to end each time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::value::RawValue;
use sqs_local::queue::{Content, Delivery, Queue, Receipt, Receive, Refusal};
use sqs_local::{Attributes, Md5, Settings, Time};
use uuid::Uuid;

#[derive(Clone, Debug)]
enum Step {
    Send {
        group: Option<u8>,
        delay: Option<u64>,
    },
    Receive {
        max: usize,
        visibility: u64,
    },
    Delete(usize),
    Change {
        receipt: usize,
        seconds: u64,
    },
    TakeBack,
    Wait(u64),
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
        4 => (1..4usize, 0..6u64).prop_map(|(max, visibility)| Step::Receive { max, visibility }),
        2 => (0..8usize).prop_map(Step::Delete),
        1 => (0..8usize, 0..6u64)
            .prop_map(|(receipt, seconds)| Step::Change { receipt, seconds }),
        1 => Just(Step::TakeBack),
        2 => (0..4u64).prop_map(Step::Wait),
        1 => Just(Step::Wait(40)),
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
    let settings = Settings {
        retention: Duration::from_secs(60),
        ..Settings::new(fifo)
    };
    let mut queue = Queue::new(7, settings);
    let mut model = Model {
        fifo,
        ..Model::default()
    };
    let mut now = Time(1_000_000);
    let mut deliveries: Vec<Delivery> = Vec::new();
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
            Step::Receive { max, visibility } => {
                let visibility = Duration::from_secs(*visibility);
                let request = Receive {
                    max: *max,
                    visibility: Some(visibility),
                    ..Receive::default()
                };
                last = queue.receive(now, &request).deliveries;
                let expected = model.receive(now + visibility, *max);
                let got: Vec<_> = last.iter().map(|delivery| delivery.sequence).collect();
                assert_eq!(got, expected, "received");
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
        }
        model.advance(now);
        let depth = queue.depth(now);
        assert_eq!(
            (depth.delayed, depth.waiting, depth.in_flight),
            model.depth(),
            "depth"
        );
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Delayed(Time),
    Waiting,
    InFlight(Time),
}

#[derive(Debug)]
struct Held {
    sequence: u64,
    group: Option<u8>,
    entered: Time,
    state: State,
    receipt: Option<Receipt>,
}

#[derive(Debug, Default)]
struct Model {
    fifo: bool,
    messages: Vec<Held>,
}

impl Model {
    fn advance(&mut self, now: Time) {
        self.messages
            .retain(|held| held.entered + Duration::from_secs(60) > now);
        for held in &mut self.messages {
            match held.state {
                State::Delayed(ends) | State::InFlight(ends) if ends <= now => {
                    held.state = State::Waiting;
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, now: Time, sequence: u64, group: Option<u8>, delay: u64) {
        let state = match delay {
            0 => State::Waiting,
            delay => State::Delayed(now + Duration::from_secs(delay)),
        };
        self.messages.push(Held {
            sequence,
            group,
            entered: now,
            state,
            receipt: None,
        });
    }

    fn receive(&mut self, until: Time, max: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        while taken.len() < max {
            let Some(group) = self.next_group() else {
                break;
            };
            let many = self.fifo || group.is_none();
            let wanted = if many { max - taken.len() } else { 1 };
            let waiting = self
                .messages
                .iter_mut()
                .filter(|held| held.is_waiting_in(group));
            for held in waiting.take(wanted) {
                held.state = State::InFlight(until);
                taken.push(held.sequence);
            }
        }
        taken
    }

    /// The group with the fewest in flight, then the oldest head; on FIFO only with none.
    fn next_group(&self) -> Option<Option<u8>> {
        let mut ranks = BTreeMap::new();
        for held in self
            .messages
            .iter()
            .filter(|held| held.state == State::Waiting)
        {
            let is_flying = |other: &&Held| {
                other.group == held.group && matches!(other.state, State::InFlight(_))
            };
            let mut in_flight = self.messages.iter().filter(is_flying).count();
            if self.fifo && in_flight > 0 {
                continue;
            }
            if held.group.is_none() {
                in_flight = 0;
            }
            ranks
                .entry((in_flight, held.sequence))
                .or_insert(held.group);
        }
        ranks.into_values().next()
    }

    fn delete(&mut self, receipt: Receipt) -> Result<(), Refusal> {
        let Some(index) = self.latest(receipt) else {
            let is_here = self.index(receipt.message).is_some();
            return match self.fifo && is_here {
                true => Err(Refusal::Expired),
                false => Ok(()),
            };
        };
        if self.fifo && !matches!(self.messages[index].state, State::InFlight(_)) {
            return Err(Refusal::Expired);
        }
        self.messages.remove(index);
        Ok(())
    }

    fn change(&mut self, receipt: Receipt, until: Time) -> Result<(), Refusal> {
        let index = if self.fifo {
            self.latest(receipt)
        } else {
            self.index(receipt.message)
        };
        let gone = match self.index(receipt.message) {
            Some(_) => Refusal::Expired,
            None => Refusal::Gone,
        };
        let held = &mut self.messages[index.ok_or(gone)?];
        match held.state {
            State::InFlight(_) => held.state = State::InFlight(until),
            _ if self.fifo => return Err(Refusal::Expired),
            _ => return Err(Refusal::NotInFlight),
        }
        Ok(())
    }

    fn take_back(&mut self, receipt: Receipt) {
        if let Some(index) = self.latest(receipt)
            && matches!(self.messages[index].state, State::InFlight(_))
        {
            self.messages[index].state = State::Waiting;
        }
    }

    fn depth(&self) -> (usize, usize, usize) {
        let count =
            |is: fn(State) -> bool| self.messages.iter().filter(|held| is(held.state)).count();
        (
            count(|state| matches!(state, State::Delayed(_))),
            count(|state| state == State::Waiting),
            count(|state| matches!(state, State::InFlight(_))),
        )
    }

    fn held(&mut self, sequence: u64) -> &mut Held {
        let index = self.index(sequence).unwrap();
        &mut self.messages[index]
    }

    fn index(&self, sequence: u64) -> Option<usize> {
        self.messages
            .iter()
            .position(|held| held.sequence == sequence)
    }

    fn latest(&self, receipt: Receipt) -> Option<usize> {
        self.messages
            .iter()
            .position(|held| held.receipt == Some(receipt))
    }
}

impl Held {
    fn is_waiting_in(&self, group: Option<u8>) -> bool {
        self.state == State::Waiting && self.group == group
    }
}

fn content(group: Option<u8>) -> Arc<Content> {
    Arc::new(Content {
        id: Uuid::nil(),
        body: RawValue::from_string("\"body\"".into()).unwrap(),
        md5: Md5::default(),
        attributes: Attributes::new(),
        trace_header: None,
        sender: Arc::from("000000000000"),
        sent: Time(0),
        group: group.map(|group| group.to_string().into()),
        deduplication_id: None,
    })
}

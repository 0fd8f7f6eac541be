//! A queue that is too simple to be wrong, and too slow to be of use.

use std::collections::BTreeMap;
use std::time::Duration;

use sqs_local::Time;
use sqs_local::queue::{Receipt, Refusal};

/// A queue as a list of messages.
#[derive(Debug)]
pub(super) struct Model {
    fifo: bool,
    pub(super) retention: Duration,
    messages: Vec<Held>,
}

#[derive(Debug)]
pub(super) struct Held {
    sequence: u64,
    group: Option<u8>,
    entered: Time,
    state: State,
    pub(super) receipt: Option<Receipt>,
    receives: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Delayed(Time),
    Waiting,
    InFlight(Time),
}

impl Model {
    pub(super) fn new(fifo: bool) -> Model {
        Model {
            fifo,
            retention: Duration::from_secs(60),
            messages: Vec::new(),
        }
    }

    pub(super) fn advance(&mut self, now: Time) {
        self.messages
            .retain(|held| held.entered + self.retention > now);
        for held in &mut self.messages {
            match held.state {
                State::Delayed(ends) | State::InFlight(ends) if ends <= now => {
                    held.state = State::Waiting;
                }
                _ => {}
            }
        }
    }

    pub(super) fn send(&mut self, now: Time, sequence: u64, group: Option<u8>, delay: u64) {
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
            receives: 0,
        });
    }

    /// What is received, and how many messages are given up.
    pub(super) fn receive(
        &mut self,
        until: Time,
        max: usize,
        give_up_after: Option<u32>,
    ) -> (Vec<u64>, usize) {
        let (mut taken, mut dead) = (Vec::new(), 0);
        while taken.len() < max {
            let Some(group) = self.next_group() else {
                break;
            };
            let many = self.fifo || group.is_none();
            let wanted = if many { max - taken.len() } else { 1 };
            let waiting = self
                .messages
                .iter()
                .filter(|held| held.is_waiting_in(group));
            let sequences = waiting.take(wanted).map(|held| held.sequence);
            for sequence in sequences.collect::<Vec<_>>() {
                let held = self.held(sequence);
                if give_up_after.is_some_and(|limit| held.receives >= limit) {
                    self.messages.retain(|held| held.sequence != sequence);
                    dead += 1;
                } else {
                    held.state = State::InFlight(until);
                    held.receives += 1;
                    taken.push(sequence);
                }
            }
        }
        (taken, dead)
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

    pub(super) fn delete(&mut self, receipt: Receipt) -> Result<(), Refusal> {
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

    pub(super) fn change(&mut self, receipt: Receipt, until: Time) -> Result<(), Refusal> {
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

    pub(super) fn take_back(&mut self, receipt: Receipt) {
        if let Some(index) = self.latest(receipt)
            && matches!(self.messages[index].state, State::InFlight(_))
        {
            self.messages[index].state = State::Waiting;
            self.messages[index].receives -= 1;
        }
    }

    pub(super) fn depth(&self) -> (usize, usize, usize) {
        let count =
            |is: fn(State) -> bool| self.messages.iter().filter(|held| is(held.state)).count();
        (
            count(|state| matches!(state, State::Delayed(_))),
            count(|state| state == State::Waiting),
            count(|state| matches!(state, State::InFlight(_))),
        )
    }

    pub(super) fn held(&mut self, sequence: u64) -> &mut Held {
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

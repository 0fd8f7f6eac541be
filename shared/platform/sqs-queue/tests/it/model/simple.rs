//! A queue that is too simple to be wrong, and too slow for real use.

use std::time::Duration;

use sqs_queue::{Receipt, Refusal, Time};

/// A queue as a list of messages.
#[derive(Debug)]
pub(super) struct Model {
    fifo: bool,
    pub(super) retention: Duration,
    messages: Vec<Held>,
    /// FIFO: the groups in the order in which they will be served.
    rotation: Vec<Option<u8>>,
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
            rotation: Vec::new(),
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

    /// After a restart, the groups are served in the order of their first messages.
    pub(super) fn restart(&mut self) {
        self.rotation.clear();
        for held in &self.messages {
            if !self.rotation.contains(&held.group) {
                self.rotation.push(held.group);
            }
        }
    }

    pub(super) fn send(&mut self, now: Time, sequence: u64, group: Option<u8>, delay: u64) {
        let state = match delay {
            0 => State::Waiting,
            delay => State::Delayed(now + Duration::from_secs(delay)),
        };
        self.forget_empty_groups();
        if !self.rotation.contains(&group) {
            self.rotation.push(group);
        }
        self.messages.push(Held {
            sequence,
            group,
            entered: now,
            state,
            receipt: None,
            receives: 0,
        });
    }

    /// The sequences received, and how many messages are dead.
    pub(super) fn receive(
        &mut self,
        until: Time,
        max: usize,
        max_receive_count: Option<u32>,
    ) -> (Vec<u64>, usize) {
        let (mut taken, mut dead) = (Vec::new(), 0);
        while taken.len() < max {
            let Some(group) = self.next_group() else {
                break;
            };
            let many = self.fifo || group.is_none();
            let limit = if many { max - taken.len() } else { 1 };
            let waiting = self
                .messages
                .iter()
                .filter(|held| self.may_be_received(held));
            let waiting = waiting.filter(|held| held.group == group);
            let sequences: Vec<_> = waiting.take(limit).map(|held| held.sequence).collect();
            self.rotation.retain(|other| *other != group);
            self.rotation.push(group);
            for sequence in sequences {
                let held = self.held(sequence);
                if max_receive_count.is_some_and(|limit| held.receives >= limit) {
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

    /// FIFO: the next in the rotation. Standard: the group with the fewest in flight, then the one
    /// with the oldest message.
    fn next_group(&mut self) -> Option<Option<u8>> {
        self.forget_empty_groups();
        let mut ready = self
            .messages
            .iter()
            .filter(|held| self.may_be_received(held));
        if self.fifo {
            let ready: Vec<_> = ready.map(|held| held.group).collect();
            return self
                .rotation
                .iter()
                .copied()
                .find(|group| ready.contains(group));
        }
        let rank = |held: &Held| {
            let others = self
                .messages
                .iter()
                .filter(|other| other.group == held.group);
            let in_flight = others.filter(|other| matches!(other.state, State::InFlight(_)));
            let in_flight = held.group.map_or(0, |_| in_flight.count());
            (in_flight, held.sequence)
        };
        let first = ready.next()?;
        let next = ready.fold(
            first,
            |best, held| if rank(held) < rank(best) { held } else { best },
        );
        Some(next.group)
    }

    /// Whether the message waits and, on FIFO, no earlier message of its group is in flight.
    fn may_be_received(&self, held: &Held) -> bool {
        let is_ahead = |other: &&Held| other.group == held.group && other.sequence < held.sequence;
        let mut ahead = self.messages.iter().filter(is_ahead);
        let is_blocked = self.fifo && ahead.any(|other| matches!(other.state, State::InFlight(_)));
        held.state == State::Waiting && !is_blocked
    }

    fn forget_empty_groups(&mut self) {
        let messages = &self.messages;
        self.rotation
            .retain(|group| messages.iter().any(|held| held.group == *group));
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
            _ => {}
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

//! Which message is next: one sub-queue per message group, and the groups in the order in which
//! they will be served.
//!
//! Each group has a rank, and the group with the lowest rank is served:
//!
//! * **FIFO**: the rank is the group's place in a rotation. A group joins at the end, and returns
//!   to the end whenever it is served, so a group whose first message fails again and again does
//!   not starve the others. Of a group with messages in flight, only those ahead of the first of
//!   them can be received: a later one would break the order.
//! * **Fair** (groups on a standard queue): the rank is (messages in flight, oldest waiting
//!   message). The tenant with the fewest messages in flight goes first, so one with a deep backlog
//!   cannot hold up the others.
//!
//! Messages without a group do not count as in flight together: each is a tenant by itself.

use std::collections::{BTreeSet, HashMap};

use crate::message::{GroupId, Sequence};

#[derive(Debug, Default)]
struct Group {
    waiting: BTreeSet<Sequence>,
    in_flight: usize,
    /// FIFO: the messages in flight.
    in_flight_messages: BTreeSet<Sequence>,
    /// FIFO: the place in the rotation of the groups.
    turn: u64,
}

type Rank = (u64, Sequence);

#[derive(Debug)]
pub(crate) struct Groups {
    fifo: bool,
    groups: HashMap<GroupId, Group>,
    ready: BTreeSet<(Rank, GroupId)>,
    /// FIFO: the last place in the rotation.
    last_turn: u64,
}

impl Groups {
    pub(crate) fn new(fifo: bool) -> Groups {
        Groups {
            fifo,
            groups: HashMap::new(),
            ready: BTreeSet::new(),
            last_turn: 0,
        }
    }

    /// Adds a message to the line of its group, in its place by sequence.
    pub(crate) fn add(&mut self, group: &GroupId, message: Sequence) {
        self.change(group, |group, _| {
            group.waiting.insert(message);
        });
    }

    /// Adds a message that is in flight already.
    pub(crate) fn add_in_flight(&mut self, group: &GroupId, message: Sequence) {
        let fifo = self.fifo;
        self.change(group, |group, _| {
            group.in_flight += 1;
            if fifo {
                group.in_flight_messages.insert(message);
            }
        });
    }

    /// Puts a message in flight back in its old place.
    pub(crate) fn return_message(&mut self, group: &GroupId, message: Sequence) {
        self.change(group, |group, _| {
            group.end_flight(message);
            group.waiting.insert(message);
        });
    }

    /// Removes a message from the line, or from those in flight.
    pub(crate) fn remove(&mut self, group: &GroupId, message: Sequence, in_flight: bool) {
        self.change(group, |group, _| {
            if in_flight {
                group.end_flight(message);
            } else {
                group.waiting.remove(&message);
            }
        });
    }

    /// Puts up to `limit` messages of the next group in flight. A fair group gives one, so that the
    /// next message is chosen afresh; the others give all they can.
    pub(crate) fn take(&mut self, limit: usize) -> Vec<Sequence> {
        let Some((_, key)) = self.ready.first() else {
            return Vec::new();
        };
        let key = key.clone();
        let fifo = self.fifo;
        let limit = if key.is_none() || fifo {
            limit
        } else {
            limit.min(1)
        };

        self.change(&key, |group, last_turn| {
            let end = group.in_flight_messages.first().copied();
            let end = end.unwrap_or(Sequence::MAX);
            let line = group.waiting.iter().copied();
            let taken: Vec<_> = line
                .take_while(|message| *message < end)
                .take(limit)
                .collect();
            for message in &taken {
                group.waiting.remove(message);
            }
            group.in_flight += taken.len();
            if fifo {
                group.in_flight_messages.extend(&taken);
                *last_turn += 1;
                group.turn = *last_turn;
            }
            taken
        })
    }

    pub(crate) fn clear(&mut self) {
        self.groups.clear();
        self.ready.clear();
    }

    /// Changes one group and moves it to its new place among the ready ones.
    fn change<T>(&mut self, key: &GroupId, change: impl FnOnce(&mut Group, &mut u64) -> T) -> T {
        let (fifo, last_turn) = (self.fifo, &mut self.last_turn);
        let group = self.groups.entry(key.clone()).or_insert_with(|| {
            if fifo {
                *last_turn += 1;
            }
            Group {
                turn: *last_turn,
                ..Group::default()
            }
        });

        let before = group.rank(fifo, key);
        let result = change(group, last_turn);
        let after = group.rank(fifo, key);

        if group.waiting.is_empty() && group.in_flight == 0 {
            self.groups.remove(key);
        }
        if before != after {
            if let Some(rank) = before {
                self.ready.remove(&(rank, key.clone()));
            }
            if let Some(rank) = after {
                self.ready.insert((rank, key.clone()));
            }
        }
        result
    }
}

impl Group {
    /// The group's rank among those that can be served; `None` if it has nothing to give.
    fn rank(&self, fifo: bool, key: &GroupId) -> Option<Rank> {
        let head = *self.waiting.first()?;
        match self.in_flight_messages.first() {
            Some(in_flight) if *in_flight < head => None,
            _ if fifo => Some((self.turn, 0)),
            _ if key.is_none() => Some((0, head)),
            _ => Some((self.in_flight as u64, head)),
        }
    }

    fn end_flight(&mut self, message: Sequence) {
        self.in_flight -= 1;
        self.in_flight_messages.remove(&message);
    }
}

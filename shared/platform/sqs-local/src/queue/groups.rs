//! Which message is next: a sub-queue for every message group, and the groups in the order in
//! which they will be served.
//!
//! Each group has a rank, and the group with the lowest rank is served:
//!
//! * **FIFO**: the rank is the group's place in a circle. A group joins at the end, and goes back
//!   to the end whenever it is served, so a group whose first message fails again and again does
//!   not starve the others. Of a group with messages in flight, only those ahead of the first of
//!   them can be received: whatever comes after it must wait, or the order would be broken.
//! * **Fair** (groups on a standard queue): the rank is (messages in flight, oldest waiting
//!   message). The tenant with the fewest messages in flight goes first, so one with a deep backlog
//!   cannot hold up the others.
//!
//! Messages without a group are each a tenant of their own: for them nothing is in flight.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Sequence;

pub(super) type GroupId = Option<Arc<str>>;

#[derive(Debug, Default)]
struct Group {
    waiting: BTreeSet<Sequence>,
    in_flight: usize,
    /// FIFO: which messages those in flight are.
    flying: BTreeSet<Sequence>,
    /// FIFO: the place in the circle of groups.
    turn: u64,
}

type Rank = (u64, Sequence);

#[derive(Debug)]
pub(super) struct Groups {
    fifo: bool,
    groups: HashMap<GroupId, Group>,
    ready: BTreeSet<(Rank, GroupId)>,
    /// FIFO: the place in the circle that was given last.
    last_turn: u64,
}

impl Groups {
    pub(super) fn new(fifo: bool) -> Groups {
        Groups {
            fifo,
            groups: HashMap::new(),
            ready: BTreeSet::new(),
            last_turn: 0,
        }
    }

    /// The message may be received from now on, in its place by sequence.
    pub(super) fn wait(&mut self, group: &GroupId, message: Sequence) {
        self.change(group, |group, _| {
            group.waiting.insert(message);
        });
    }

    /// The message came back from flight to its old place.
    pub(super) fn land(&mut self, group: &GroupId, message: Sequence) {
        self.change(group, |group, _| {
            group.end_flight(message);
            group.waiting.insert(message);
        });
    }

    /// The message left the queue, out of its place in the line or out of flight.
    pub(super) fn leave(&mut self, group: &GroupId, message: Sequence, in_flight: bool) {
        self.change(group, |group, _| {
            if in_flight {
                group.end_flight(message);
            } else {
                group.waiting.remove(&message);
            }
        });
    }

    /// Puts up to `limit` messages of the group to be served next in flight. A fair group gives
    /// one, so that the next message is chosen afresh; the others give all they can.
    /// `skip` passes over that many at the head of the line: SQS may deliver out of order.
    pub(super) fn take(&mut self, limit: usize, skip: usize) -> Vec<Sequence> {
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
            let skip = skip.min(group.waiting.len() - 1);
            let end = group.flying.first().copied().unwrap_or(Sequence::MAX);
            let line = group.waiting.iter().copied().skip(skip);
            let taken: Vec<_> = line
                .take_while(|message| *message < end)
                .take(limit)
                .collect();
            for message in &taken {
                group.waiting.remove(message);
            }
            group.in_flight += taken.len();
            if fifo {
                group.flying.extend(&taken);
                *last_turn += 1;
                group.turn = *last_turn;
            }
            taken
        })
    }

    pub(super) fn clear(&mut self) {
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
    /// The group's place among those that can be served; `None` if it has nothing to give.
    fn rank(&self, fifo: bool, key: &GroupId) -> Option<Rank> {
        let head = *self.waiting.first()?;
        match self.flying.first() {
            Some(flying) if *flying < head => None,
            _ if fifo => Some((self.turn, 0)),
            _ if key.is_none() => Some((0, head)),
            _ => Some((self.in_flight as u64, head)),
        }
    }

    fn end_flight(&mut self, message: Sequence) {
        self.in_flight -= 1;
        self.flying.remove(&message);
    }
}

//! Which message is next: a sub-queue for every message group, and the groups in the order in
//! which they will be served.
//!
//! The rank of a group is one pair, (messages in flight, its oldest waiting message), and the
//! lowest rank is served. That one rule gives both kinds of queue:
//!
//! * **FIFO**: a group with a message in flight has no rank at all, so it is blocked until that
//!   message is deleted or comes back, while the other groups flow.
//! * **Fair** (groups on a standard queue): the tenant with the fewest messages in flight goes
//!   first, so one with a deep backlog cannot hold up the others.
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
}

type Rank = (usize, Sequence);

#[derive(Debug)]
pub(super) struct Groups {
    fifo: bool,
    groups: HashMap<GroupId, Group>,
    ready: BTreeSet<(Rank, GroupId)>,
}

impl Groups {
    pub(super) fn new(fifo: bool) -> Groups {
        Groups {
            fifo,
            groups: HashMap::new(),
            ready: BTreeSet::new(),
        }
    }

    /// The message may be received from now on, in its place by sequence.
    pub(super) fn wait(&mut self, group: &GroupId, message: Sequence) {
        self.change(group, |group| {
            group.waiting.insert(message);
        });
    }

    /// The message came back from flight to its old place.
    pub(super) fn land(&mut self, group: &GroupId, message: Sequence) {
        self.change(group, |group| {
            group.in_flight -= 1;
            group.waiting.insert(message);
        });
    }

    /// The message left the queue, out of its place in the line or out of flight.
    pub(super) fn leave(&mut self, group: &GroupId, message: Sequence, in_flight: bool) {
        self.change(group, |group| {
            if in_flight {
                group.in_flight -= 1;
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
        let limit = if key.is_none() || self.fifo {
            limit
        } else {
            limit.min(1)
        };

        self.change(&key, |group| {
            let skip = skip.min(group.waiting.len() - 1);
            let taken: Vec<_> = group
                .waiting
                .iter()
                .skip(skip)
                .take(limit)
                .copied()
                .collect();
            for message in &taken {
                group.waiting.remove(message);
            }
            group.in_flight += taken.len();
            taken
        })
    }

    pub(super) fn clear(&mut self) {
        self.groups.clear();
        self.ready.clear();
    }

    /// Changes one group and moves it to its new place among the ready ones.
    fn change<T>(&mut self, key: &GroupId, change: impl FnOnce(&mut Group) -> T) -> T {
        let group = self.groups.entry(key.clone()).or_default();
        let rank = |group: &Group| -> Option<Rank> {
            let head = *group.waiting.first()?;
            match group.in_flight {
                0 => Some((0, head)),
                _ if self.fifo => None,
                _ if key.is_none() => Some((0, head)),
                n => Some((n, head)),
            }
        };

        let before = rank(group);
        let result = change(group);
        let after = rank(group);

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

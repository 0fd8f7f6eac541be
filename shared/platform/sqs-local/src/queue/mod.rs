//! One queue, as a value. No lock, no clock, no task and no I/O: every operation is given the
//! time, so fourteen days of retention pass in a test as fast as it can count.
//!
//! A message is in one of three states, and in each of them it waits for exactly one timer:
//!
//! ```text
//!   send ──► Delayed ──delay ends──► Waiting ──receive──► InFlight ──delete──► gone
//!        └───── no delay ─────────►     ▲ └─retention─► gone   │
//!                                       └──── visibility ends ─┘
//! ```
//!
//! What always holds:
//! * a message is in the line of its group exactly when it is `Waiting`;
//! * no other receive gets a message while it is `InFlight`;
//! * the cost of an operation does not grow with the number of messages, but for the
//!   logarithm in the sub-queues and the heap of timers.

mod acknowledge;
mod deduplication;
mod groups;
mod look;
mod message;
mod messages;
mod receipt;
mod receive;
mod timers;
mod transitions;

use std::sync::Arc;
use std::time::Duration;

pub use deduplication::INTERVAL;
use deduplication::Recent;
use groups::{GroupId, Groups};
use message::State;
pub use message::{Content, Delivery, Departure, History};
use messages::Messages;
pub use messages::Sequence;
pub use receipt::Receipt;
pub use receive::{Receive, Received};
use timers::Timers;
use uuid::Uuid;

use crate::settings::{Scope, Settings};
use crate::time::Time;

/// The longest a message may stay invisible after one receive (an Amazon quota).
pub const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a changed attribute may take to hold at Amazon.
const PROPAGATION: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Queue {
    id: u64,
    settings: Arc<Settings>,
    messages: Messages,
    groups: Groups,
    timers: Timers,
    depth: Depth,
    sent: Recent<(GroupId, Arc<str>), (Uuid, Sequence)>,
    /// The deduplication scope from before it was changed, and until when it still holds.
    old_scope: Option<(Scope, Time)>,
    attempts: Recent<Arc<str>, Vec<Delivery>>,
    last_receive: u64,
}

/// How many messages are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub delayed: usize,
    pub waiting: usize,
    pub in_flight: usize,
}

/// Why a receipt handle was not honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was given by another queue, or by none.
    WrongQueue,
    /// On a FIFO queue: its visibility timeout is over.
    Expired,
    /// The message is deleted, or was received again since.
    Gone,
    /// The message would be invisible for more than twelve hours after its receive.
    TooLong(Duration),
}

impl Queue {
    /// `id` is stamped into receipt handles, so it has to differ from queue to queue.
    pub fn new(id: u64, settings: Settings) -> Queue {
        Queue {
            id,
            groups: Groups::new(settings.fifo),
            settings: Arc::new(settings),
            messages: Messages::default(),
            timers: Timers::default(),
            depth: Depth::default(),
            sent: Recent::new(),
            old_scope: None,
            attempts: Recent::new(),
            last_receive: 0,
        }
    }

    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Adds a message, after the queue's delay or its own. On a FIFO queue, a message with the
    /// deduplication id of one sent in the last five minutes is accepted and dropped, and
    /// answered with the id and the sequence number of the first.
    pub fn send(
        &mut self,
        now: Time,
        content: Arc<Content>,
        delay: Option<Duration>,
    ) -> (Uuid, Sequence) {
        self.advance(now);
        let id = content.id;
        let known_by = content.deduplication_id.clone();
        let Some(known_by) = known_by.filter(|_| self.settings.fifo) else {
            let delay = delay.unwrap_or(self.settings.delay);
            return (id, self.put(now, content, History::default(), now, delay));
        };

        let (in_queue, in_group) = ((None, known_by.clone()), (content.group.clone(), known_by));
        let (key, by_other_scope) = match self.scope(now) {
            Scope::Queue => (in_queue, in_group),
            Scope::MessageGroup => (in_group, in_queue),
        };
        if let Some(first) = self.sent.get(now, &key) {
            return *first;
        }
        // What was sent under another scope is still known by that scope.
        if self.old_scope.is_some()
            && let Some(first) = self.sent.get(now, &by_other_scope)
        {
            return *first;
        }
        let delay = delay.unwrap_or(self.settings.delay);
        let sequence = self.put(now, content, History::default(), now, delay);
        self.sent.put(now, key, (id, sequence));
        (id, sequence)
    }

    /// The deduplication scope for a message that is sent now.
    fn scope(&self, now: Time) -> Scope {
        let old = self.old_scope.filter(|(_, until)| now < *until);
        old.map_or(self.settings.deduplication_scope, |(scope, _)| scope)
    }

    /// Takes in a message another queue gave up. A FIFO queue counts its retention afresh, a
    /// standard one goes on from when it was first sent.
    pub fn accept(&mut self, now: Time, message: Departure) {
        self.advance(now);
        let entered = if self.settings.fifo {
            now
        } else {
            message.entered
        };
        self.put(
            now,
            message.content,
            message.history,
            entered,
            Duration::ZERO,
        );
    }

    /// Drops every message in every state, and the memory of what was sent.
    pub fn purge(&mut self) {
        self.messages.clear();
        self.groups.clear();
        self.timers.clear();
        self.sent.clear();
        self.attempts.clear();
        self.depth = Depth::default();
    }

    /// Takes out the next waiting message for good, to move it to another queue.
    pub fn take_out(&mut self, now: Time) -> Option<Departure> {
        self.advance(now);
        let sequence = *self.groups.take(1, 0).first()?;
        self.lift(sequence);
        self.remove(sequence)
    }

    /// Changes the settings. A new retention holds for the messages already here, and on a FIFO
    /// queue a new delay does too. A new deduplication scope holds a minute later.
    pub fn reconfigure(&mut self, now: Time, settings: Settings) {
        self.advance(now);
        let retention_changed = settings.retention != self.settings.retention;
        let delay_changed = settings.fifo && settings.delay != self.settings.delay;
        if settings.deduplication_scope != self.settings.deduplication_scope {
            self.old_scope = Some((self.scope(now), now + PROPAGATION));
        }
        self.settings = Arc::new(settings);
        if !retention_changed && !delay_changed {
            return;
        }
        let delay = self.settings.delay;
        let rearmed = self.messages.iter().map(|(sequence, message)| {
            let is_delayed = delay_changed && message.state == State::Delayed;
            let ends = if is_delayed {
                message.entered + delay
            } else {
                message.ends
            };
            (sequence, ends)
        });
        for (sequence, ends) in rearmed.collect::<Vec<_>>() {
            self.arm(sequence, ends);
        }
        self.advance(now);
    }

    /// How many messages are in each state, now.
    pub fn depth(&mut self, now: Time) -> Depth {
        self.advance(now);
        self.depth
    }

    /// When something next happens of itself; may be early, never late.
    pub fn next_timer(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Lets everything happen that was due by `now`. Every operation does this first.
    pub fn advance(&mut self, now: Time) {
        let retention = self.settings.retention;
        while let Some((at, sequence)) = self.timers.pop_due(now) {
            let Some(message) = self.messages.get(sequence) else {
                continue;
            };
            if message.timer(retention) != at {
                continue;
            }
            if message.entered + retention <= now {
                self.remove(sequence);
                continue;
            }
            match message.state {
                State::InFlight => self.land(sequence),
                State::Delayed => self.queue_up(sequence),
                State::Waiting => {}
            }
        }
        let messages = &self.messages;
        self.timers.sweep(messages.len(), |at, sequence| {
            messages
                .get(sequence)
                .is_some_and(|message| message.timer(retention) == at)
        });
    }
}

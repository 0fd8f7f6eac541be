//! One queue, as a value. No lock, no clock, no task and no I/O: every operation is told what
//! time it is, so fourteen days of retention pass in a test as fast as it can count.
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
//! * nobody else receives a message while it is `InFlight`;
//! * the cost of an operation does not grow with the number of messages, but for the
//!   logarithm in the sub-queues and the heap of timers.

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

#[derive(Debug)]
pub struct Queue {
    id: u64,
    settings: Arc<Settings>,
    messages: Messages,
    groups: Groups,
    timers: Timers,
    depth: Depth,
    sent: Recent<(GroupId, Arc<str>), (Uuid, Sequence)>,
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
    Foreign,
    /// On a FIFO queue: its visibility timeout is over.
    Expired,
    /// The message is deleted, or was received again since.
    Gone,
    /// The message is back in line, so there is no timeout to change.
    NotInFlight,
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
        let key = content
            .deduplication_id
            .clone()
            .filter(|_| self.settings.fifo)
            .map(|id| {
                let per_group = self.settings.deduplication_scope == Scope::MessageGroup;
                (content.group.clone().filter(|_| per_group), id)
            });
        if let Some(first) = key.as_ref().and_then(|key| self.sent.get(now, key)) {
            return *first;
        }

        let delay = delay.unwrap_or(self.settings.delay);
        let sequence = self.put(now, content, History::default(), now, delay);

        if let Some(key) = key {
            self.sent.put(now, key, (id, sequence));
        }
        (id, sequence)
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

    /// Deletes the message for good. Doing it twice is fine, and so is doing it late, unless the
    /// message was received again since: then a standard queue ignores it and a FIFO refuses.
    pub fn delete(&mut self, now: Time, receipt: Receipt) -> Result<(), Refusal> {
        self.advance(now);
        match self.state_of(receipt) {
            Err(refusal @ (Refusal::Foreign | Refusal::Expired)) => Err(refusal),
            Err(_) => Ok(()),
            Ok(State::InFlight) => {
                self.remove(receipt.message);
                Ok(())
            }
            Ok(_) if self.settings.fifo => Err(Refusal::Expired),
            Ok(_) => {
                self.remove(receipt.message);
                Ok(())
            }
        }
    }

    /// Puts a delivered message back in line instead of deleting it, as a standard queue may: it
    /// promises "at least once".
    pub fn delete_in_vain(&mut self, now: Time, receipt: Receipt) -> Result<(), Refusal> {
        self.advance(now);
        if !self.settings.fifo && self.state_of(receipt) == Ok(State::InFlight) {
            self.land(receipt.message);
            return Ok(());
        }
        self.delete(now, receipt)
    }

    /// Counts the visibility timeout afresh from now; zero gives the message back at once.
    pub fn change_visibility(
        &mut self,
        now: Time,
        receipt: Receipt,
        visibility: Duration,
    ) -> Result<(), Refusal> {
        self.advance(now);
        let receipt = self.latest(receipt);
        match self.state_of(receipt)? {
            State::InFlight => {}
            _ if self.settings.fifo => return Err(Refusal::Expired),
            _ => return Err(Refusal::NotInFlight),
        }
        let Some(message) = self.messages.get(receipt.message) else {
            return Err(Refusal::Gone);
        };
        if now + visibility > message.leased + LONGEST_VISIBILITY {
            return Err(Refusal::TooLong(visibility));
        }
        if visibility.is_zero() {
            self.land(receipt.message);
        } else {
            self.arm(receipt.message, now + visibility);
        }
        Ok(())
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
    /// queue a new delay does too.
    pub fn reconfigure(&mut self, now: Time, settings: Settings) {
        self.advance(now);
        let retention_changed = settings.retention != self.settings.retention;
        let delay_changed = settings.fifo && settings.delay != self.settings.delay;
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

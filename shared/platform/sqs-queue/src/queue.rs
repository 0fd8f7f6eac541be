//! The queue: what happens to its messages, and when.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::changes::Sent;
use crate::deduplication::Recent;
use crate::delivery::Departure;
use crate::groups::Groups;
use crate::message::{Content, GroupId, History, Sequence, State};
use crate::messages::Messages;
use crate::receipt::Receipt;
use crate::recorder::Recorder;
use crate::settings::{Scope, Settings};
use crate::time::Time;
use crate::timers::Timers;

/// How long a changed attribute may take to apply at Amazon.
const PROPAGATION: Duration = Duration::from_secs(60);

/// One queue. See the crate's page for its states.
#[derive(Debug)]
pub struct Queue<P> {
    pub(crate) id: u64,
    pub(crate) settings: Settings,
    pub(crate) messages: Messages<P>,
    pub(crate) groups: Groups,
    pub(crate) timers: Timers,
    pub(crate) depth: Depth,
    pub(crate) attempts: Recent<Arc<str>, Vec<Receipt>>,
    pub(crate) last_receive: u64,
    pub(crate) sent: Recent<(GroupId, Arc<str>), (Uuid, Sequence)>,
    /// The deduplication scope before the latest change, and until when it still holds.
    pub(crate) old_scope: Option<(Scope, Time)>,
    /// Collects changes for a caller that stores them.
    pub(crate) recorder: Option<Recorder>,
}

/// How many messages are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub delayed: usize,
    pub waiting: usize,
    pub in_flight: usize,
}

/// What has happened to a queue since it was created. A stored queue goes on counting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages that came, by a send or from another queue.
    pub sent: u64,
    /// Deliveries: a message that was delivered twice counts twice.
    pub received: u64,
}

impl<P> Queue<P> {
    /// An empty queue. Its receipt handles carry `id`, so the id must differ from queue to queue.
    pub fn new(id: u64, settings: Settings) -> Queue<P> {
        Queue {
            id,
            groups: Groups::new(settings.fifo),
            settings,
            messages: Messages::default(),
            timers: Timers::default(),
            depth: Depth::default(),
            sent: Recent::new(),
            old_scope: None,
            attempts: Recent::new(),
            last_receive: 0,
            recorder: None,
        }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Adds a message, after `delay` or the queue's own delay. A FIFO queue accepts and drops a
    /// message with the deduplication id of one sent in the last five minutes, and returns the id
    /// and the sequence number of that first one.
    pub fn send(
        &mut self,
        now: Time,
        content: Arc<Content<P>>,
        delay: Option<Duration>,
    ) -> (Uuid, Sequence) {
        self.advance(now);
        let id = content.id;
        let deduplication_id = content.deduplication_id.clone();
        let Some(deduplication_id) = deduplication_id.filter(|_| self.settings.fifo) else {
            let delay = delay.unwrap_or(self.settings.delay);
            return (
                id,
                self.insert(now, content, History::default(), now, delay),
            );
        };

        let in_queue = (None, deduplication_id.clone());
        let in_group = (content.group.clone(), deduplication_id);
        let (key, by_other_scope) = match self.scope(now) {
            Scope::Queue => (in_queue, in_group),
            Scope::MessageGroup => (in_group, in_queue),
        };
        if let Some(first) = self.sent.get(now, &key) {
            return *first;
        }
        // A message that was sent under the other scope is still found by that scope.
        if self.old_scope.is_some()
            && let Some(first) = self.sent.get(now, &by_other_scope)
        {
            return *first;
        }
        let delay = delay.unwrap_or(self.settings.delay);
        let sequence = self.insert(now, content, History::default(), now, delay);
        if let Some(recorder) = &mut self.recorder {
            recorder.send(Sent {
                at: now,
                group: key.0.clone(),
                deduplication_id: key.1.clone(),
                message: id,
                sequence,
            });
        }
        self.sent.put(now, key, (id, sequence));
        (id, sequence)
    }

    /// The deduplication scope for a message that is sent now.
    fn scope(&self, now: Time) -> Scope {
        let old = self.old_scope.filter(|(_, until)| now < *until);
        old.map_or(self.settings.deduplication_scope, |(scope, _)| scope)
    }

    /// Adds a message that departed from another queue. A FIFO queue restarts its retention, a
    /// standard queue counts from when the message was first sent.
    pub fn accept(&mut self, now: Time, message: Departure<P>) {
        self.advance(now);
        let entered = if self.settings.fifo {
            now
        } else {
            message.entered
        };
        self.insert(
            now,
            message.content,
            message.history,
            entered,
            Duration::ZERO,
        );
        if let Some(recorder) = &mut self.recorder {
            recorder.arrive(message.from);
        }
    }

    /// Drops every message in every state, and the deduplication memory.
    pub fn purge(&mut self) {
        self.messages.clear();
        self.groups.clear();
        self.timers.clear();
        self.sent.clear();
        self.attempts.clear();
        self.depth = Depth::default();
        if let Some(recorder) = &mut self.recorder {
            recorder.purge();
        }
    }

    /// Removes the next waiting message, to move it to another queue.
    pub fn take_out(&mut self, now: Time) -> Option<Departure<P>> {
        self.advance(now);
        let sequence = *self.groups.take(1).first()?;
        self.mark_in_flight(sequence);
        self.depart(sequence)
    }

    /// Changes the settings. A new retention applies to the messages already here, and on a FIFO
    /// queue a new delay does too. A new deduplication scope applies a minute later.
    pub fn reconfigure(&mut self, now: Time, settings: Settings) {
        self.advance(now);
        let retention_changed = settings.retention != self.settings.retention;
        let delay_changed = settings.fifo && settings.delay != self.settings.delay;
        if settings.deduplication_scope != self.settings.deduplication_scope {
            self.old_scope = Some((self.scope(now), now + PROPAGATION));
        }
        self.settings = settings;
        if !retention_changed && !delay_changed {
            return;
        }
        let delay = self.settings.delay;
        let timers = self.messages.iter().map(|(sequence, message)| {
            let is_delayed = delay_changed && message.state == State::Delayed;
            let ends = if is_delayed {
                message.entered + delay
            } else {
                message.ends
            };
            (sequence, ends)
        });
        for (sequence, ends) in timers.collect::<Vec<_>>() {
            self.set_timer(sequence, ends);
        }
        self.advance(now);
    }

    /// How many messages are in each state, now.
    pub fn depth(&mut self, now: Time) -> Depth {
        self.advance(now);
        self.depth
    }

    /// How many messages came, and how often one was delivered.
    pub fn totals(&self) -> Totals {
        Totals {
            sent: self.messages.last(),
            received: self.last_receive,
        }
    }

    /// When something next happens by itself; may be early, never late.
    pub fn next_timer(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Does everything that was due by `now`. Every operation does this first.
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
                State::InFlight => self.make_visible(sequence),
                State::Delayed => self.end_delay(sequence),
                State::Waiting => {}
            }
        }
        let messages = &self.messages;
        self.timers.compact(messages.len(), |at, sequence| {
            messages
                .get(sequence)
                .is_some_and(|message| message.timer(retention) == at)
        });
    }
}

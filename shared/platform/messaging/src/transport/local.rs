//! Queues inside this process, on the queue state machine that `sqs-local` serves over HTTP: delay,
//! visibility timeout, receive count, dead letters, FIFO groups. All times are tokio's, so tests
//! may pause them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use sqs_queue::faults::{CallFault, QueueCall};
use sqs_queue::{Departure, Queue, Receipt, Receive, Time};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::faults::Faults;
use super::local_message::{Payload, content, delay, delivery};
use super::{EntryResult, Refused};
use crate::QueueSpec;
use crate::envelope::{Delivery, Outgoing};
use crate::topology::QueueKind;

/// A set of queues that all its clones share.
#[derive(Clone)]
pub struct Local {
    state: Arc<Mutex<State>>,
    /// The zero of the queues' time.
    began: Instant,
    faults: Faults,
}

#[derive(Default)]
struct State {
    queues: HashMap<String, LocalQueue>,
    /// Messages sent, for their ids.
    sent: u64,
}

struct LocalQueue {
    queue: Queue<Payload>,
    /// Where messages go that were received too often, and after how many receives.
    dead_letters: Option<(String, u32)>,
    changed: Arc<Notify>,
}

impl Local {
    /// No queues yet; a service creates those it names.
    pub fn new() -> Local {
        Local::default()
    }

    /// Queues that sometimes fail as SQS may: `plan` is called for every message of every call.
    /// For tests.
    pub fn with_faults(plan: impl Fn(QueueCall) -> CallFault + Send + Sync + 'static) -> Local {
        Local {
            faults: Faults::planned(plan),
            ..Local::default()
        }
    }

    /// The bodies of the messages in a queue in the order in which they were sent, invisible and
    /// delayed ones included.
    pub fn peek(&self, queue: &str) -> Vec<String> {
        let (mut state, now) = self.lock();
        let queue = state.queues.get_mut(queue);
        let messages = queue.map(|queue| queue.queue.peek(now, usize::MAX));
        let bodies = messages.into_iter().flatten();
        bodies
            .map(|(_, delivery)| delivery.content.payload.message.body.clone())
            .collect()
    }

    /// How many messages a queue holds, invisible and delayed ones included.
    pub fn depth(&self, queue: &str) -> usize {
        let (mut state, now) = self.lock();
        let depth = state.queues.get_mut(queue).map(|q| q.queue.depth(now));
        depth.map_or(0, |depth| depth.delayed + depth.waiting + depth.in_flight)
    }

    pub(super) fn ensure(&self, spec: &QueueSpec) {
        let (mut state, now) = self.lock();
        let dead_letters = spec.dead_letter_spec();
        let redrive = (spec.dead_letters(), spec.max_receive_count());
        state.ensure(now, spec, Some(redrive));
        state.ensure(now, &dead_letters, None);
    }

    pub(super) fn send(&self, queue: &str, messages: &[Outgoing]) -> Vec<EntryResult> {
        let (mut state, now) = self.lock();
        let sent_at = SystemTime::now();
        let sent = messages.iter().map(|message| {
            let send = || state.send(queue, now, sent_at, message);
            self.faults.apply(QueueCall::Send, send)
        });
        let sent = sent.collect();
        state.notify(queue);
        sent
    }

    pub(super) async fn receive(
        &self,
        queue: &str,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Vec<Delivery> {
        let deadline = Instant::now() + wait;
        loop {
            let (changed, until) = match self.take(queue, max, visibility, deadline) {
                Turn::Now(taken) => return taken,
                Turn::Later { changed, until } => (changed, until),
            };
            // A change and a timer alike may have made a message visible.
            let _ = timeout_at(until, changed).await;
        }
    }

    pub(super) fn delete(&self, queue: &str, receipts: &[&str]) -> Vec<EntryResult> {
        self.for_each(queue, QueueCall::Delete, receipts, |queue, now, receipt| {
            let receipt = Receipt::parse(receipt).ok_or_else(not_held)?;
            queue.delete(now, receipt).map_err(|_| not_held())
        })
    }

    pub(super) fn change_visibility(
        &self,
        queue: &str,
        receipts: &[(String, Duration)],
    ) -> Vec<EntryResult> {
        let call = QueueCall::ChangeVisibility;
        self.for_each(
            queue,
            call,
            receipts,
            |queue, now, (receipt, visibility)| {
                let receipt = Receipt::parse(receipt).ok_or_else(not_held)?;
                let changed = queue.change_visibility(now, receipt, *visibility);
                changed.map_err(|_| not_held())
            },
        )
    }

    /// Makes one call per entry, unless its fault prevents that.
    fn for_each<T>(
        &self,
        name: &str,
        call: QueueCall,
        entries: &[T],
        make: impl Fn(&mut Queue<Payload>, Time, &T) -> EntryResult,
    ) -> Vec<EntryResult> {
        let (mut state, now) = self.lock();
        let Some(LocalQueue { queue, .. }) = state.queues.get_mut(name) else {
            return vec![Err(missing(name)); entries.len()];
        };
        let results = entries
            .iter()
            .map(|entry| self.faults.apply(call, || make(queue, now, entry)));
        let results = results.collect();
        state.notify(name);
        results
    }

    /// Receives once, or returns what to wait for.
    fn take(&self, name: &str, max: usize, visibility: Duration, deadline: Instant) -> Turn {
        let (mut state, now) = self.lock();
        let Some(local) = state.queues.get_mut(name) else {
            return Turn::Now(vec![]);
        };
        let request = Receive {
            max,
            visibility: Some(visibility),
            max_receive_count: local.dead_letters.as_ref().map(|(_, count)| *count),
            ..Receive::default()
        };
        let received = local.queue.receive(now, &request);
        let next = local.queue.next_timer().map(|time| self.instant(time));
        let changed = local.changed.clone();
        if !received.dead.is_empty() {
            state.move_dead_letters(name, now, received.dead);
        }
        if !received.deliveries.is_empty() || Instant::now() >= deadline {
            return Turn::Now(received.deliveries.into_iter().map(delivery).collect());
        }
        Turn::Later {
            // It counts every change from here on: the lock is still held.
            changed: changed.notified_owned(),
            until: next.map_or(deadline, |next| next.min(deadline)),
        }
    }

    fn lock(&self) -> (MutexGuard<'_, State>, Time) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state, Time(self.began.elapsed().as_millis() as u64))
    }

    /// The instant at which the queues' time is `time`.
    fn instant(&self, time: Time) -> Instant {
        self.began + Duration::from_millis(time.0)
    }
}

impl Default for Local {
    fn default() -> Local {
        Local {
            state: Arc::default(),
            began: Instant::now(),
            faults: Faults::default(),
        }
    }
}

enum Turn {
    Now(Vec<Delivery>),
    Later {
        changed: OwnedNotified,
        until: Instant,
    },
}

impl State {
    fn ensure(&mut self, now: Time, spec: &QueueSpec, dead_letters: Option<(String, u32)>) {
        let settings = sqs_queue::Settings {
            delay: spec.delay,
            visibility_timeout: spec.visibility_timeout,
            retention: spec.retention,
            ..sqs_queue::Settings::new(spec.kind() == QueueKind::Fifo)
        };
        let id = self.queues.len() as u64;
        let queue = self.queues.entry(spec.name.to_string());
        let queue = queue.or_insert_with(|| LocalQueue {
            queue: Queue::new(id, settings.clone()),
            dead_letters: None,
            changed: Arc::default(),
        });
        queue.queue.reconfigure(now, settings);
        queue.dead_letters = dead_letters;
    }

    fn send(
        &mut self,
        name: &str,
        now: Time,
        sent_at: SystemTime,
        message: &Outgoing,
    ) -> EntryResult {
        let queue = self.queues.get_mut(name).ok_or_else(|| missing(name))?;
        let fifo = queue.queue.settings().fifo;
        self.sent += 1;
        let id = Uuid::from_u128(self.sent.into());
        let content = content(message, id, sent_at, fifo);
        queue
            .queue
            .send(now, Arc::new(content), delay(message, sent_at, fifo));
        Ok(())
    }

    fn move_dead_letters(&mut self, name: &str, now: Time, dead: Vec<Departure<Payload>>) {
        let target = self.queues.get(name).and_then(|q| q.dead_letters.clone());
        let Some((target, _)) = target else { return };
        if let Some(queue) = self.queues.get_mut(&target) {
            for mut message in dead {
                message.history.dead_letter_source = Some(name.into());
                queue.queue.accept(now, message);
            }
        }
        self.notify(&target);
    }

    /// Wakes the receives that wait for messages of the queue.
    fn notify(&self, name: &str) {
        if let Some(queue) = self.queues.get(name) {
            queue.changed.notify_waiters();
        }
    }
}

fn missing(queue: &str) -> Refused {
    Refused {
        reason: format!("the queue `{queue}` does not exist"),
        is_final: false,
    }
}

fn not_held() -> Refused {
    Refused {
        reason: "the message is not in flight under this receipt".into(),
        is_final: true,
    }
}

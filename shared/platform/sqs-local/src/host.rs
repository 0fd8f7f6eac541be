//! A queue at work: the value behind its one lock, the receives that wait for it, and the alarm
//! that wakes them when a timer runs out.
//!
//! What changes a queue then hands its messages to the receives that wait, the oldest first, under
//! the same lock; nothing polls. A waiting client may go away at any moment, so a hand-off is
//! checked on both sides: the queue takes the messages back when the receive has ended, and
//! [`PendingReceive`] gives them back when its client left between the hand-off and the answer.

mod guards;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::guards::HandedOut;
use self::guards::PendingReceive;
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::queue::{Delivery, Departure, Queue, Receive, Received};
use crate::settings::{Pairs, Settings};
use crate::time::{Clock, Time};

pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) arn: Arc<str>,
    pub(crate) created: Time,
    clock: Arc<Clock>,
    directory: Weak<Directory>,
    state: Mutex<State>,
    timer_changed: Arc<Notify>,
    alarm: AbortOnDropHandle<()>,
}

pub(crate) struct State {
    pub(crate) queue: Queue,
    pub(crate) tags: Pairs,
    pub(crate) last_modified: Time,
    pub(crate) last_purge: Option<Time>,
    waiting: VecDeque<Waiter>,
    alarm_set_for: Option<Time>,
    deleted: bool,
}

struct Waiter {
    request: Receive,
    answer: oneshot::Sender<Vec<Delivery>>,
}

impl Host {
    pub(crate) fn new(
        name: &str,
        settings: Settings,
        clock: &Arc<Clock>,
        directory: &Arc<Directory>,
    ) -> Arc<Host> {
        let now = clock.now();
        let timer_changed = Arc::new(Notify::new());
        let state = State {
            queue: Queue::new(rand::random(), settings),
            tags: Pairs::new(),
            last_modified: now,
            last_purge: None,
            waiting: VecDeque::new(),
            alarm_set_for: None,
            deleted: false,
        };
        Arc::new_cyclic(|host| Host {
            name: name.into(),
            arn: directory.arn(name).into(),
            created: now,
            clock: clock.clone(),
            directory: Arc::downgrade(directory),
            state: Mutex::new(state),
            timer_changed: timer_changed.clone(),
            alarm: AbortOnDropHandle::new(tokio::spawn(alarm(host.clone(), timer_changed))),
        })
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.lock().queue.settings().clone()
    }

    /// Does something to the queue, then serves those who wait for what came of it.
    pub(crate) fn with<T>(&self, operation: impl FnOnce(&mut State, Time) -> T) -> T {
        let mut state = self.lock();
        let now = self.clock.now();
        let result = operation(&mut state, now);
        let dead = self.serve_waiting(&mut state, now);
        drop(state);
        self.bury(dead);
        result
    }

    /// Receives now, or else waits up to `wait` for the first message to come.
    pub(crate) async fn receive(&self, request: Receive, wait: Duration) -> Result<Vec<Delivery>> {
        let mut pending = match self.receive_or_wait(request, wait)? {
            Turn::Now(deliveries) => return Ok(deliveries),
            Turn::Later(pending) => pending,
        };
        match tokio::time::timeout(wait, &mut pending.answer).await {
            Ok(Ok(deliveries)) => Ok(deliveries),
            Ok(Err(_)) => Err(Error::QueueDoesNotExist),
            Err(_) => Ok(pending.close()),
        }
    }

    fn receive_or_wait(&self, request: Receive, wait: Duration) -> Result<Turn<'_>> {
        let mut state = self.lock();
        let now = self.clock.now();
        let mut dead = self.serve_waiting(&mut state, now);
        let received = self.take(&mut state, now, &request);
        dead.extend(received.dead);
        if received.deliveries.is_empty() && !wait.is_zero() {
            let answer = state.wait(request);
            self.set_alarm(&mut state);
            drop(state);
            self.bury(dead);
            return Ok(Turn::Later(PendingReceive { host: self, answer }));
        }
        drop(state);
        self.bury(dead);
        // A FIFO queue at its limit says nothing, as Amazon documents.
        let over_limit = received.over_limit && !self.settings().fifo;
        if over_limit && received.deliveries.is_empty() {
            return Err(Error::OverLimit("Too many messages in flight.".into()));
        }
        Ok(Turn::Now(received.deliveries))
    }

    /// Ends all receives that wait: the queue is gone.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.deleted = true;
        state.waiting.clear();
        self.alarm.abort();
    }

    fn take(&self, state: &mut State, now: Time, request: &Receive) -> Received {
        let give_up_after = self.dead_letter_queue(&state.queue).map(|(_, after)| after);
        state.queue.receive(
            now,
            &Receive {
                give_up_after,
                ..request.clone()
            },
        )
    }

    fn serve_waiting(&self, state: &mut State, now: Time) -> Vec<Departure> {
        let mut dead = Vec::new();
        state.queue.advance(now);
        while let Some(waiter) = state.waiting.pop_front() {
            if waiter.answer.is_closed() {
                continue;
            }
            let received = self.take(state, now, &waiter.request);
            dead.extend(received.dead);
            if received.deliveries.is_empty() {
                state.waiting.push_front(waiter);
                break;
            }
            if let Err(unread) = waiter.answer.send(received.deliveries) {
                state.queue.take_back(now, &unread);
            }
        }
        self.set_alarm(state);
        dead
    }

    /// Wakes the alarm's task if a receive waits and the next timer is sooner than the alarm.
    fn set_alarm(&self, state: &mut State) {
        let next = state
            .queue
            .next_timer()
            .filter(|_| !state.waiting.is_empty());
        if let Some(next) = next
            && state.alarm_set_for.is_none_or(|set| next < set)
        {
            state.alarm_set_for = Some(next);
            self.timer_changed.notify_one();
        }
    }

    /// The queue's dead-letter queue and after how many receives a message goes there, if the
    /// queue names one and it exists.
    fn dead_letter_queue(&self, queue: &Queue) -> Option<(Arc<Host>, u32)> {
        let policy = queue.settings().redrive.as_ref()?;
        let target = self.directory.upgrade()?.by_arn(&policy.target)?;
        Some((target, policy.max_receive_count))
    }

    /// Moves messages to the dead-letter queue, when this queue's own lock is free again.
    fn bury(&self, dead: Vec<Departure>) {
        if dead.is_empty() {
            return;
        }
        let target = self.dead_letter_queue(&self.lock().queue);
        let Some((target, _)) = target else {
            // It was deleted this very moment: the messages stay.
            return self.with(|state, now| {
                dead.into_iter()
                    .for_each(|message| state.queue.accept(now, message));
            });
        };
        target.with(|state, now| {
            for mut message in dead {
                message.history.dead_letter_source = Some(self.arn.clone());
                if state.queue.settings().fifo {
                    known_by_its_id(&mut message);
                }
                state.queue.accept(now, message);
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held is a bug, but no reason to lose all other queues' work.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As Amazon has it, so that two messages of equal content are two dead letters.
fn known_by_its_id(message: &mut Departure) {
    let content = Arc::make_mut(&mut message.content);
    content.deduplication_id = Some(content.id.to_string().into());
}

impl State {
    /// How many receives wait here whose clients are still there.
    pub(crate) fn waiting_receives(&self) -> usize {
        self.waiting
            .iter()
            .filter(|waiter| !waiter.answer.is_closed())
            .count()
    }

    fn wait(&mut self, request: Receive) -> oneshot::Receiver<Vec<Delivery>> {
        let (answer, receiver) = oneshot::channel();
        if !self.deleted {
            self.waiting.retain(|waiter| !waiter.answer.is_closed());
            self.waiting.push_back(Waiter { request, answer });
        }
        receiver
    }
}

enum Turn<'a> {
    Now(Vec<Delivery>),
    Later(PendingReceive<'a>),
}

/// Sleeps until the queue's next timer while a receive waits, and then advances the queue.
async fn alarm(host: Weak<Host>, timer_changed: Arc<Notify>) {
    loop {
        timer_changed.notified().await;
        while let Some(at) = next_alarm(&host) {
            tokio::select! {
                () = tokio::time::sleep_until(at) => {
                    let Some(host) = host.upgrade() else { return };
                    host.with(|state, _| state.alarm_set_for = None);
                }
                () = timer_changed.notified() => {}
            }
        }
    }
}

fn next_alarm(host: &Weak<Host>) -> Option<tokio::time::Instant> {
    let host = host.upgrade()?;
    let at = host.lock().alarm_set_for?;
    Some(host.clock.instant(at))
}

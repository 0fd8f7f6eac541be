//! A queue that many clients share: the value behind its one lock, the receives that wait for it,
//! and the alarm that wakes them when a timer runs out.
//!
//! Every change of a queue hands its messages to the waiting receives, the oldest receive first,
//! under the same lock. Nothing polls. A waiting client may disconnect at any moment, so a hand-off
//! is checked on both sides: the queue takes the messages back when the receive has ended, and
//! `PendingReceive` returns them when its client left between the hand-off and the answer.

mod recording;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use sqs_queue::faults::receive_out_of_order;
use sqs_queue::{Receive, Time};
use tokio::sync::{Notify, oneshot};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::recording::Backing;
use crate::clock::Clock;
use crate::data::{Journal, Record};
use crate::message::{Delivery, Departure, Queue, Received};
use crate::settings::{Pairs, Settings};

/// Finds queues by ARN: how a queue reaches its dead-letter queue.
pub(crate) trait FindQueue: Send + Sync {
    fn by_arn(&self, arn: &str) -> Option<Arc<SharedQueue>>;
}

pub(crate) struct SharedQueue {
    pub(crate) name: String,
    pub(crate) arn: Arc<str>,
    pub(crate) created: Time,
    id: u64,
    clock: Arc<Clock>,
    /// Where changes are stored; `None` if the server keeps nothing.
    journal: Option<Arc<Journal>>,
    others: Weak<dyn FindQueue>,
    state: Mutex<State>,
    timer_changed: Arc<Notify>,
    alarm: AbortOnDropHandle<()>,
}

pub(crate) struct State {
    pub(crate) queue: Queue,
    pub(crate) settings: Arc<Settings>,
    pub(crate) tags: Pairs,
    pub(crate) last_modified: Time,
    pub(crate) last_purge: Option<Time>,
    waiting: VecDeque<Waiter>,
    alarm_set_for: Option<Time>,
    deleted: bool,
}

/// A receive request with its injected fault.
pub(crate) struct Request {
    pub(crate) receive: Receive,
    /// How many messages at the head of the line come last; 0 without a fault.
    pub(crate) skip: usize,
}

struct Waiter {
    request: Request,
    answer: oneshot::Sender<Vec<Delivery>>,
}

impl SharedQueue {
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.lock().settings.clone()
    }

    /// Runs an operation on the queue, then serves the waiting receives.
    pub(crate) fn with<T>(&self, operation: impl FnOnce(&mut State, Time) -> T) -> T {
        let mut state = self.lock();
        let now = self.clock.now();
        let result = operation(&mut state, now);
        let dead = self.serve_waiting(&mut state, now);
        self.record_changes(&mut state);
        drop(state);
        self.move_dead_letters(dead);
        result
    }

    /// Runs an operation that changes the queue's attributes or tags.
    pub(crate) fn configure<T>(&self, operation: impl FnOnce(&mut State, Time) -> T) -> T {
        self.with(|state, now| {
            let result = operation(state, now);
            self.record_row(state);
            result
        })
    }

    /// Receives after the receives that wait already. If nothing is received and `may_wait`, the
    /// receive becomes the last of those that wait, and the channel of its answer is returned.
    pub(crate) fn receive_or_wait(
        &self,
        request: Request,
        may_wait: bool,
    ) -> Result<Received, oneshot::Receiver<Vec<Delivery>>> {
        let mut state = self.lock();
        let now = self.clock.now();
        let mut dead = self.serve_waiting(&mut state, now);
        let mut received = self.take(&mut state, now, &request);
        dead.append(&mut received.dead);
        let result = if received.deliveries.is_empty() && may_wait {
            let answer = state.wait(request);
            self.set_alarm(&mut state);
            Err(answer)
        } else {
            Ok(received)
        };
        self.record_changes(&mut state);
        drop(state);
        self.move_dead_letters(dead);
        result
    }

    /// Ends all waiting receives: the queue is deleted.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if let Some(journal) = &self.journal
            && !state.deleted
        {
            journal.push(Record::QueueDeleted(self.id));
        }
        state.deleted = true;
        state.waiting.clear();
        self.alarm.abort();
    }

    fn take(&self, state: &mut State, now: Time, request: &Request) -> Received {
        let max_receive_count = self.dead_letter_queue(state).map(|(_, count)| count);
        let receive = Receive {
            max_receive_count,
            ..request.receive.clone()
        };
        receive_out_of_order(&mut state.queue, now, &receive, request.skip)
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
            // Before the client can know of the receive.
            self.record_changes(state);
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

    /// The queue's dead-letter queue and after how many receives a message moves there. `None` if
    /// the queue names none, or one that does not exist.
    fn dead_letter_queue(&self, state: &State) -> Option<(Arc<SharedQueue>, u32)> {
        let policy = state.settings.redrive.as_ref()?;
        let target = self.others.upgrade()?.by_arn(&policy.target)?;
        Some((target, policy.max_receive_count))
    }

    /// Moves messages to the dead-letter queue. This queue's own lock must be free.
    fn move_dead_letters(&self, dead: Vec<Departure>) {
        if dead.is_empty() {
            return;
        }
        let target = self.dead_letter_queue(&self.lock());
        let Some((target, _)) = target else {
            // It was deleted a moment ago: the messages stay.
            return self.with(|state, now| {
                dead.into_iter()
                    .for_each(|message| state.queue.accept(now, message));
            });
        };
        target.with(|state, now| {
            for mut message in dead {
                message.history.dead_letter_source = Some(self.arn.clone());
                if state.settings.fifo {
                    deduplicate_by_id(&mut message);
                }
                state.queue.accept(now, message);
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a bug, but no reason to lose the work of all other queues.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the message's id its deduplication id, as Amazon does, so that two messages of equal
/// content are two dead letters.
fn deduplicate_by_id(message: &mut Departure) {
    let content = Arc::make_mut(&mut message.content);
    content.deduplication_id = Some(content.id.to_string().into());
}

impl State {
    pub(crate) fn reconfigure(&mut self, now: Time, settings: Settings) {
        self.queue.reconfigure(now, settings.of_queue());
        self.settings = Arc::new(settings);
    }

    /// How many receives wait whose clients are still connected.
    pub(crate) fn waiting_receives(&self) -> usize {
        self.waiting
            .iter()
            .filter(|waiter| !waiter.answer.is_closed())
            .count()
    }

    fn wait(&mut self, request: Request) -> oneshot::Receiver<Vec<Delivery>> {
        let (answer, receiver) = oneshot::channel();
        if !self.deleted {
            self.waiting.retain(|waiter| !waiter.answer.is_closed());
            self.waiting.push_back(Waiter { request, answer });
        }
        receiver
    }
}

/// Sleeps until the queue's next timer while a receive waits, and then advances the queue.
async fn alarm(queue: Weak<SharedQueue>, timer_changed: Arc<Notify>) {
    loop {
        timer_changed.notified().await;
        while let Some(at) = next_alarm(&queue) {
            tokio::select! {
                () = tokio::time::sleep_until(at) => {
                    let Some(queue) = queue.upgrade() else { return };
                    queue.with(|state, _| state.alarm_set_for = None);
                }
                () = timer_changed.notified() => {}
            }
        }
    }
}

fn next_alarm(queue: &Weak<SharedQueue>) -> Option<tokio::time::Instant> {
    let queue = queue.upgrade()?;
    let at = queue.lock().alarm_set_for?;
    Some(queue.clock.instant(at))
}

//! Queues inside this process, with SQS's manners: delay, visibility timeout, receive count and
//! dead letters. All times are tokio's, so tests may pause them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::faults::{CallFault, Faults, QueueCall};
use super::{EntryResult, Refused};
use crate::envelope::{Delivery, Outgoing};
use crate::quota::LONGEST_DELAY;
use crate::topology::{QueueKind, dead_letters};
use crate::{Error, QueueSpec};

/// A set of queues that everything with a clone of it shares. It has no FIFO queues.
#[derive(Clone, Default)]
pub struct Local {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    queues: HashMap<String, Queue>,
    /// For receipts, and so that messages due at once keep their order.
    count: u64,
}

#[derive(Default)]
struct Queue {
    delay: Duration,
    max_receive_count: u32,
    /// By when they can be received; then by when they came.
    messages: BTreeMap<(Instant, u64), Delivery>,
    /// Where the message with this receipt is now.
    held: HashMap<String, (Instant, u64)>,
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

    /// The bodies of the messages in a queue, invisible and delayed ones included, in the order in
    /// which they can be received.
    pub fn peek(&self, queue: &str) -> Vec<String> {
        let state = self.state();
        let messages = state
            .queues
            .get(queue)
            .into_iter()
            .flat_map(|queue| &queue.messages);
        messages
            .map(|(_, delivery)| delivery.body.clone())
            .collect()
    }

    /// How many messages a queue holds, invisible and delayed ones included.
    pub fn depth(&self, queue: &str) -> usize {
        let state = self.state();
        state
            .queues
            .get(queue)
            .map_or(0, |queue| queue.messages.len())
    }

    pub(super) fn ensure(&self, spec: &QueueSpec) -> Result<(), Error> {
        if spec.kind() == QueueKind::Fifo {
            let queue = spec.name.to_string();
            return Err(Error::NoOrder { queue });
        }
        for spec in [spec, &spec.dead_letter_spec()] {
            let mut state = self.state();
            let queue = state.queues.entry(spec.name.to_string()).or_default();
            queue.delay = spec.delay;
            queue.max_receive_count = spec.max_receive_count();
        }
        Ok(())
    }

    pub(super) fn send(&self, queue: &str, messages: &[Outgoing]) -> Vec<EntryResult> {
        let mut state = self.state();
        let sent = messages.iter().map(|message| {
            self.faults
                .apply(QueueCall::Send, || state.put(queue, message))
        });
        sent.collect()
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
            let changed = {
                let mut state = self.state();
                let taken = state.take(queue, max, visibility);
                let now = Instant::now();
                let Some(queue) = state.queues.get(queue) else {
                    return taken;
                };
                if !taken.is_empty() || now >= deadline {
                    return taken;
                }
                let next = queue.messages.first_key_value().map(|((due, _), _)| *due);
                let until = next.map_or(deadline, |due| due.min(deadline));
                (queue.changed.clone().notified_owned(), until)
            };
            // Either way there may be something to take now.
            let _ = timeout_at(changed.1, changed.0).await;
        }
    }

    pub(super) fn delete(&self, queue: &str, receipts: &[&str]) -> Vec<EntryResult> {
        let mut state = self.state();
        let Some(queue) = state.queues.get_mut(queue) else {
            return vec![Err(missing(queue)); receipts.len()];
        };
        let deleted = receipts.iter().map(|receipt| {
            self.faults.apply(QueueCall::Delete, || {
                let place = queue.held.remove(*receipt);
                place.map(|place| queue.messages.remove(&place));
                Ok(())
            })
        });
        deleted.collect()
    }

    pub(super) fn change_visibility(
        &self,
        queue: &str,
        receipts: &[(String, Duration)],
    ) -> Vec<EntryResult> {
        let mut state = self.state();
        let Some(queue) = state.queues.get_mut(queue) else {
            return vec![Err(missing(queue)); receipts.len()];
        };
        let now = Instant::now();
        let results = receipts.iter().map(|(receipt, visibility)| {
            self.faults.apply(QueueCall::ChangeVisibility, || {
                let place = queue.held.get_mut(receipt).filter(|(due, _)| *due > now);
                let place = place.ok_or_else(not_held)?;
                let message = queue.messages.remove(place).ok_or_else(not_held)?;
                *place = (now + *visibility, place.1);
                queue.messages.insert(*place, message);
                Ok(())
            })
        });
        let results = results.collect();
        queue.changed.notify_waiters();
        results
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, name: &str, message: &Outgoing) -> EntryResult {
        let queue = self.queues.get_mut(name).ok_or_else(|| missing(name))?;
        let now = SystemTime::now();
        let delay = match message.due_at {
            Some(due) => due
                .duration_since(now)
                .unwrap_or_default()
                .min(LONGEST_DELAY),
            None => queue.delay,
        };
        self.count += 1;
        let delivery = Delivery {
            id: message.id,
            kind: Some(message.kind.clone()),
            body: message.body.clone(),
            receipt: String::new(),
            receive_count: 0,
            sent_at: Some(now),
            group: message.ordering_key.clone(),
            trace_parent: message.trace_parent.clone(),
            queue_id: self.count.to_string(),
            extra: message.extra.clone(),
            death: message.dead.clone(),
        };
        queue
            .messages
            .insert((Instant::now() + delay, self.count), delivery);
        queue.changed.notify_waiters();
        Ok(())
    }

    fn take(&mut self, name: &str, max: usize, visibility: Duration) -> Vec<Delivery> {
        let now = Instant::now();
        let mut taken = vec![];
        while taken.len() < max {
            let Some(queue) = self.queues.get_mut(name) else {
                break;
            };
            let Some(first) = queue.messages.first_entry().filter(|e| e.key().0 <= now) else {
                break;
            };
            let ((_, order), mut message) = first.remove_entry();
            queue.held.remove(&message.receipt);
            if message.receive_count >= queue.max_receive_count {
                let dead = self.queues.entry(dead_letters(name)).or_default();
                dead.messages.insert((now, order), message);
                dead.changed.notify_waiters();
                continue;
            }
            self.count += 1;
            message.receive_count += 1;
            message.receipt = self.count.to_string();
            let place = (now + visibility, order);
            queue.held.insert(message.receipt.clone(), place);
            queue.messages.insert(place, message.clone());
            taken.push(message);
        }
        taken
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

//! A handle to look into the server and to inject faults, from Rust and over HTTP under `/control`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use sqs_queue::State;

use crate::account::Account;
use crate::attributes::Attributes;
use crate::error::Error;
use crate::faults::Faults;
use crate::message::Delivery;
use crate::shared_queue::SharedQueue;

/// A handle on a running server. It is cheap to clone. A call costs the server's clients only the
/// lock of the queue in question.
#[derive(Clone)]
pub struct Control {
    account: Arc<Account>,
}

/// A queue as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueueStatus {
    pub name: String,
    pub region: String,
    pub arn: String,
    /// Messages that can be received now.
    pub waiting: usize,
    pub in_flight: usize,
    pub delayed: usize,
    /// The age of the oldest message in milliseconds.
    pub oldest_age_ms: Option<u64>,
    /// Messages that have come since the queue was created.
    pub sent: u64,
    /// Deliveries since then: a message that was delivered twice counts twice.
    pub received: u64,
}

/// A message as it is now, without a receive.
#[derive(Clone, Debug, Serialize)]
pub struct Peeked {
    pub message_id: String,
    /// `waiting`, `delayed` or `in flight`.
    pub state: &'static str,
    pub body: Box<RawValue>,
    pub attributes: Attributes,
    pub message_group_id: Option<String>,
    pub receive_count: u32,
    /// Milliseconds since the Unix epoch.
    pub sent_ms: u64,
    pub dead_letter_source: Option<String>,
}

impl Control {
    pub(crate) fn new(account: Arc<Account>) -> Control {
        Control { account }
    }

    /// All queues, ordered by region and name.
    pub fn queues(&self) -> Vec<QueueStatus> {
        let show = |(region, queue): (String, Arc<SharedQueue>)| {
            queue.with(|state, now| {
                let depth = state.queue.depth(now);
                let oldest = state.queue.oldest(now);
                let totals = state.queue.totals();
                QueueStatus {
                    name: queue.name.clone(),
                    region,
                    arn: queue.arn.to_string(),
                    waiting: depth.waiting,
                    in_flight: depth.in_flight,
                    delayed: depth.delayed,
                    oldest_age_ms: oldest.map(|at| now.since(at).as_millis() as u64),
                    sent: totals.sent,
                    received: totals.received,
                }
            })
        };
        self.account.queues().into_iter().map(show).collect()
    }

    /// Up to `limit` messages of a queue in the order in which they were sent, without a receive.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn messages(&self, queue: &str, limit: usize) -> Result<Vec<Peeked>, Error> {
        let queue = self.find(queue)?;
        let peeked = queue.with(|state, now| state.queue.peek(now, limit));
        let show = |(state, delivery): (State, Delivery)| Peeked {
            message_id: delivery.content.id.to_string(),
            state: match state {
                State::Delayed => "delayed",
                State::Waiting => "waiting",
                State::InFlight => "in flight",
            },
            body: delivery.content.payload.body.clone(),
            attributes: delivery.content.payload.attributes.clone(),
            message_group_id: delivery.content.group.as_deref().map(String::from),
            receive_count: delivery.history.receive_count,
            sent_ms: delivery.content.payload.sent.0,
            dead_letter_source: delivery
                .history
                .dead_letter_source
                .as_deref()
                .map(String::from),
        };
        Ok(peeked.into_iter().map(show).collect())
    }

    /// How many receives wait for a message of this queue.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn waiting_receives(&self, queue: &str) -> Result<usize, Error> {
        Ok(self.find(queue)?.with(|state, _| state.waiting_receives()))
    }

    /// How often each action was called, since the start or the last reset.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.account.calls()
    }

    /// Resets the counts of calls to zero.
    pub fn reset_calls(&self) {
        self.account.reset_calls();
    }

    /// Removes every queue, every count and all faults.
    pub fn reset(&self) {
        self.account.reset();
    }

    /// Sets the faults of the server, from the next call on.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn inject(&self, faults: Faults) -> Result<(), String> {
        faults.check()?;
        self.account.faults.set(None, Some(faults));
        Ok(())
    }

    /// Sets the faults of one queue, which replace the server's. `None` removes them.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn inject_on(&self, queue: &str, faults: Option<Faults>) -> Result<(), String> {
        faults.as_ref().map_or(Ok(()), Faults::check)?;
        self.account.faults.set(Some(queue), faults);
        Ok(())
    }

    /// The faults of a queue, or of the server.
    pub fn faults(&self, queue: Option<&str>) -> Faults {
        self.account.faults.faults(queue)
    }

    fn find(&self, name: &str) -> Result<Arc<SharedQueue>, Error> {
        let mut queues = self.account.queues().into_iter();
        let found = queues.find(|(_, queue)| queue.name == name);
        found
            .map(|(_, queue)| queue)
            .ok_or(Error::QueueDoesNotExist)
    }
}

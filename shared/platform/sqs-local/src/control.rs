//! Seeing inside and setting the scene, from Rust and over HTTP under `/control`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::attributes::Attributes;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::host::Host;
use crate::misbehaviour::Misbehaviour;

/// A hand on a running server. Cheap to clone; asking costs the server's clients nothing but
/// the lock of the queue asked about.
#[derive(Clone)]
pub struct Control {
    cloud: Arc<Cloud>,
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
    /// How long the oldest message has been here, in milliseconds.
    pub oldest_age_ms: Option<u64>,
}

/// A message as it is now, seen without receiving it.
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
    pub(crate) fn new(cloud: Arc<Cloud>) -> Control {
        Control { cloud }
    }

    /// All queues, in the order of their regions and names.
    pub fn queues(&self) -> Vec<QueueStatus> {
        let show = |(region, queue): (String, Arc<Host>)| {
            queue.with(|state, now| {
                let depth = state.queue.depth(now);
                let oldest = state.queue.oldest(now);
                QueueStatus {
                    name: queue.name.clone(),
                    region,
                    arn: queue.arn.to_string(),
                    waiting: depth.waiting,
                    in_flight: depth.in_flight,
                    delayed: depth.delayed,
                    oldest_age_ms: oldest.map(|at| now.since(at).as_millis() as u64),
                }
            })
        };
        self.cloud.queues().into_iter().map(show).collect()
    }

    /// Up to `limit` messages of a queue in the order they were sent, without receiving them.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn messages(&self, queue: &str, limit: usize) -> Result<Vec<Peeked>, Error> {
        let queue = self.find(queue)?;
        let peeked = queue.with(|state, now| state.queue.peek(now, limit));
        let show = |(state, delivery): (&'static str, crate::queue::Delivery)| Peeked {
            message_id: delivery.content.id.to_string(),
            state,
            body: delivery.content.body.clone(),
            attributes: delivery.content.attributes.clone(),
            message_group_id: delivery.content.group.as_deref().map(String::from),
            receive_count: delivery.history.receive_count,
            sent_ms: delivery.content.sent.0,
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
        self.cloud.calls()
    }

    /// Counts calls from zero again.
    pub fn reset_calls(&self) {
        self.cloud.reset_calls();
    }

    /// Forgets every queue, every count and all misbehaviour.
    pub fn reset(&self) {
        self.cloud.reset();
    }

    /// Changes how the server misbehaves, from the next call on.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn misbehave(&self, rule: Misbehaviour) -> Result<(), String> {
        rule.check()?;
        self.cloud.chaos.set(None, Some(rule));
        Ok(())
    }

    /// The same for one queue, in place of the server's rule; `None` returns to that.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn misbehave_on(&self, queue: &str, rule: Option<Misbehaviour>) -> Result<(), String> {
        rule.as_ref().map_or(Ok(()), Misbehaviour::check)?;
        self.cloud.chaos.set(Some(queue), rule);
        Ok(())
    }

    /// The rule that holds for a queue, or for the server.
    pub fn misbehaviour(&self, queue: Option<&str>) -> Misbehaviour {
        self.cloud.chaos.rule(queue)
    }

    fn find(&self, name: &str) -> Result<Arc<Host>, Error> {
        let mut queues = self.cloud.queues().into_iter();
        let found = queues.find(|(_, queue)| queue.name == name);
        found
            .map(|(_, queue)| queue)
            .ok_or(Error::QueueDoesNotExist)
    }
}

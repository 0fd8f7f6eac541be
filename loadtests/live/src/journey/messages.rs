//! The messages of one order, from its spans: who sent each, and every attempt to handle it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use contracts::topology::{DISPATCH, EXPIRY, SUBSCRIPTIONS};
use serde_json::{Value, json};

use crate::spans::{Kind, Span};

/// One delivery of a message, or a message that has not been received.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) queue: String,
    pub(super) fact: Option<String>,
    /// When its queue had accepted it.
    pub(super) sent_ms: f64,
    pub(super) received_ms: Option<f64>,
    pub(super) attempt: u64,
    /// Whether an earlier attempt had succeeded.
    pub(super) duplicate: bool,
    pub(super) dead: bool,
}

/// Every delivery of every message. `dead` contains the ids of dead letters, `facts` the order's
/// facts in their sequence.
pub(super) fn messages(spans: &[Arc<Span>], dead: &str, facts: &[String]) -> Vec<Message> {
    let mut all = vec![];
    let created = spans.iter().filter(|span| span.kind == Kind::Producer);
    for span in created {
        let (Some(queue), Some(id)) = (&span.queue, &span.message) else {
            continue;
        };
        let message = Message {
            id: id.clone(),
            from: span.service.clone(),
            to: format!("{}-service", queue.split('-').next().unwrap_or_default()),
            queue: queue.clone(),
            fact: span.fact.clone(),
            sent_ms: sent_ms(spans, span, queue),
            received_ms: None,
            attempt: 1,
            duplicate: false,
            dead: dead.contains(id.as_str()),
        };
        let attempts = attempts(spans, queue, id);
        if attempts.is_empty() {
            all.push(message.clone());
        }
        let mut has_succeeded = false;
        for (attempt, (received_ms, failed)) in attempts {
            all.push(Message {
                received_ms: Some(received_ms),
                attempt,
                duplicate: has_succeeded,
                ..message.clone()
            });
            has_succeeded |= !failed;
        }
    }
    for message in &mut all {
        // A consumer may have a message before its sender has the answer of the queue.
        let received_ms = message.received_ms.unwrap_or(f64::INFINITY);
        message.sent_ms = message.sent_ms.min(received_ms);
    }
    all.sort_by(|one, other| one.sent_ms.total_cmp(&other.sent_ms));
    name_facts(&mut all, facts);
    all
}

/// Names the fact that each message is about: its service has published the facts that go to this
/// queue in the sequence of the history.
fn name_facts(messages: &mut [Message], facts: &[String]) {
    let mut named: HashMap<(String, String), Vec<String>> = HashMap::new();
    for message in messages
        .iter_mut()
        .filter(|message| message.queue != EXPIRY)
    {
        let sender = message.from.trim_end_matches("-service").to_owned();
        let sends = |fact: &&String| {
            let rows = SUBSCRIPTIONS.iter().filter(|row| row.sent_by == sender);
            let mut rows = rows.filter(|row| row.fact.as_str() == fact.as_str());
            rows.any(|row| row.queues().any(|queue| queue == message.queue))
        };
        // Deliveries of the same message are about the same fact.
        let key = (message.from.clone(), message.queue.clone());
        let ids = named.entry(key).or_default();
        if !ids.contains(&message.id) {
            ids.push(message.id.clone());
        }
        let place = ids.iter().position(|id| *id == message.id);
        let fact = place.and_then(|place| facts.iter().filter(sends).nth(place));
        message.fact = fact.cloned();
    }
}

/// The end of the first call after the creation that sent messages of this trace to the queue. A
/// message whose call is not known yet counts from its creation.
fn sent_ms(spans: &[Arc<Span>], created: &Span, queue: &str) -> f64 {
    let calls = spans.iter().filter(|span| {
        let sends = span.kind == Kind::Client && span.name.starts_with("send ");
        sends && span.queue.as_deref() == Some(queue) && span.service == created.service
    });
    let after = calls.filter(|call| call.end_ms >= created.begin_ms && call.error.is_none());
    let first = after.map(|call| call.end_ms).min_by(f64::total_cmp);
    first.unwrap_or(created.end_ms)
}

/// When each attempt began, and whether it failed. The preparation of a message belongs to its
/// attempt.
fn attempts(spans: &[Arc<Span>], queue: &str, id: &str) -> BTreeMap<u64, (f64, bool)> {
    let mut attempts = BTreeMap::new();
    let of_message = spans.iter().filter(|span| {
        span.kind == Kind::Consumer
            && span.queue.as_deref() == Some(queue)
            && span.message.as_deref() == Some(id)
    });
    for span in of_message {
        let attempt = attempts
            .entry(span.attempt)
            .or_insert((span.begin_ms, false));
        attempt.0 = attempt.0.min(span.begin_ms);
        attempt.1 |= span.error.is_some();
    }
    attempts
}

impl Message {
    /// Whether its queue keeps it back until its time has come.
    pub(super) fn waits_on_purpose(&self) -> bool {
        [DISPATCH, EXPIRY].contains(&self.queue.as_str())
    }

    pub(super) fn show(&self, begin_ms: f64) -> Value {
        json!({
            "from": self.from,
            "to": self.to,
            "queue": self.queue,
            "fact": self.fact,
            "sent_ms": self.sent_ms - begin_ms,
            "received_ms": self.received_ms.map(|at| at - begin_ms),
            "attempt": self.attempt,
            "duplicate": self.duplicate,
            "dead": self.dead,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(kind: Kind, name: &str, begin_ms: f64, end_ms: f64, attempt: u64) -> Arc<Span> {
        Arc::new(Span {
            trace: 1,
            id: String::new(),
            parent: None,
            service: "order-service".to_owned(),
            name: name.to_owned(),
            kind,
            begin_ms,
            end_ms,
            queue: Some("payment-events".to_owned()),
            message: (kind != Kind::Client).then(|| "m1".to_owned()),
            fact: Some("order_placed".to_owned()),
            attempt,
            status: None,
            error: None,
            links: vec![],
        })
    }

    #[test]
    fn every_delivery_of_a_message_is_seen_and_the_one_after_a_success_is_a_duplicate() {
        let failed = Span {
            error: Some("no answer".to_owned()),
            ..Span::clone(&span(
                Kind::Consumer,
                "process payment-events",
                20.0,
                25.0,
                1,
            ))
        };
        let spans = [
            span(Kind::Producer, "create payment-events", 1.0, 1.0, 1),
            span(Kind::Client, "send payment-events", 5.0, 8.0, 1),
            Arc::new(failed),
            span(Kind::Consumer, "prepare payment-events", 40.0, 45.0, 2),
            span(Kind::Consumer, "process payment-events", 45.0, 50.0, 2),
            span(Kind::Consumer, "process payment-events", 70.0, 71.0, 3),
        ];
        let facts = ["payment_authorized".to_owned(), "order_placed".to_owned()];
        let found = messages(&spans, "", &facts);
        let seen = found
            .iter()
            .map(|one| (one.attempt, one.received_ms, one.duplicate));
        let seen: Vec<_> = seen.collect();
        let expected = [
            (1, Some(20.0), false),
            (2, Some(40.0), false),
            (3, Some(70.0), true),
        ];
        assert_eq!(seen, expected);
        assert!(
            found
                .iter()
                .all(|one| one.sent_ms == 8.0 && one.to == "payment-service")
        );

        let waiting = messages(&spans[..2], "an m1 in a dead-letter queue", &facts);
        assert_eq!(waiting.len(), 1);
        assert!(waiting[0].dead && waiting[0].received_ms.is_none());
    }
}

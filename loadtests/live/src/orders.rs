//! The orders of one side since the page began: offered, accepted, refused, settled.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use analysis::model::Quantiles;
use domain::{Facts, Status};
use harness::audit::Sent;
use harness::audit::snapshot::settles;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::now_ms;

/// The orders that can be picked on the page.
const SHOWN: usize = 200;
/// How long the facts of a shown order are read again: a little longer than it can be cancelled.
const FOLLOWED_MS: f64 = 90_000.0;
/// The orders that the audit compares with what was sent.
const AUDITED: usize = 100_000;

/// The answers whose times are kept: 30 s of them at 300 orders per second.
const ANSWERS: usize = 9_000;

#[derive(Default)]
pub(crate) struct Book(Mutex<Content>);

#[derive(Default)]
struct Content {
    offered: u64,
    /// Accepted orders.
    count: u64,
    /// When each order that is not settled yet was due.
    pending: HashMap<Uuid, f64>,
    /// The same orders, in the sequence in which their facts are read next.
    sequence: VecDeque<Uuid>,
    shown: VecDeque<Shown>,
    sent: VecDeque<Sent>,
    failed: u64,
    last_settled_ms: f64,
    /// When each of the last answers came, and how long it took.
    answers: VecDeque<(f64, f64)>,
    figures: Figures,
}

/// An order that the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) id: Uuid,
    pub(crate) number: u64,
    pub(crate) at_ms: f64,
    pub(crate) status: Status,
    pub(crate) by_hand: bool,
    /// The number of the customer who placed it. `None` for an order from outside.
    pub(crate) customer: Option<usize>,
    pub(crate) trace: u128,
    pub(crate) answer_ms: f64,
}

/// An order that the shop has accepted.
pub(crate) struct Accepted {
    pub(crate) id: Uuid,
    /// What the audit compares it with. `None` for an order from outside.
    pub(crate) sent: Option<Sent>,
    pub(crate) due_ms: f64,
    pub(crate) answer_ms: f64,
    pub(crate) customer: Option<usize>,
    /// The trace of an order that the page shows.
    pub(crate) trace: Option<u128>,
    pub(crate) by_hand: bool,
}

/// What has happened since the last tick.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) offered: u64,
    pub(crate) accepted: u64,
    /// Those of the accepted whose spans are exported.
    pub(crate) traced: u64,
    pub(crate) refused: u64,
    pub(crate) settled: u64,
    acknowledged_ms: Vec<f64>,
    settled_ms: Vec<f64>,
}

/// Totals since the start, which experiments compare.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Totals {
    /// Orders that were offered and not answered yet.
    pub(crate) unanswered: u64,
    pub(crate) failed: u64,
    pub(crate) pending: u64,
}

/// The facts of one order, with their times in milliseconds since 1970.
pub(crate) type History = (Uuid, Vec<(domain::Fact, f64)>);

impl Book {
    pub(crate) fn offer(&self, orders: u64) {
        let mut content = self.lock();
        content.offered += orders;
        content.figures.offered += orders;
    }

    pub(crate) fn refuse(&self) {
        let mut content = self.lock();
        content.figures.refused += 1;
        content.failed += 1;
    }

    /// Adds an accepted order. Returns it if the page shows it.
    pub(crate) fn accept(&self, order: Accepted) -> Option<Shown> {
        let mut content = self.lock();
        content.count += 1;
        content.figures.accepted += 1;
        content.figures.acknowledged_ms.push(order.answer_ms);
        content
            .answers
            .push_back((order.due_ms + order.answer_ms, order.answer_ms));
        if content.answers.len() > ANSWERS {
            content.answers.pop_front();
        }
        content.figures.traced += u64::from(order.trace.is_some());
        let (id, number) = (order.id, content.count);
        content.pending.insert(id, order.due_ms);
        content.sequence.push_back(id);
        content.sent.extend(order.sent);
        if content.sent.len() > AUDITED {
            content.sent.pop_front();
        }
        let shown = Shown {
            id,
            number,
            at_ms: order.due_ms,
            status: Status::Placed,
            by_hand: order.by_hand,
            customer: order.customer,
            trace: order.trace?,
            answer_ms: order.answer_ms,
        };
        content.shown.push_back(shown.clone());
        if content.shown.len() > SHOWN {
            content.shown.pop_front();
        }
        Some(shown)
    }

    /// The orders whose facts should be read now, at most this many. Those that are not settled
    /// come in turn.
    pub(crate) fn to_read(&self, limit: usize) -> Vec<Uuid> {
        let mut content = self.lock();
        let since = now_ms() - FOLLOWED_MS;
        let shown = content.shown.iter().filter(|one| one.at_ms > since);
        let mut ids: Vec<Uuid> = shown.map(|one| one.id).collect();
        let pending = content.sequence.len().min(limit);
        for _ in 0..pending {
            let Some(id) = content.sequence.pop_front() else {
                break;
            };
            if content.pending.contains_key(&id) {
                content.sequence.push_back(id);
                ids.push(id);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Takes what was read. Returns the shown orders whose status has changed.
    pub(crate) fn read(&self, histories: Vec<History>) -> Vec<Shown> {
        let mut content = self.lock();
        let mut changed = vec![];
        for (id, facts) in histories {
            let settling = facts.iter().filter(|(fact, _)| settles(*fact));
            let settled_at = settling.map(|(_, at)| *at).min_by(f64::total_cmp);
            if let Some(at_ms) = settled_at
                && let Some(due_ms) = content.pending.remove(&id)
            {
                content.figures.settled += 1;
                content.figures.settled_ms.push(at_ms - due_ms);
                content.last_settled_ms = content.last_settled_ms.max(at_ms);
            }
            let facts: Facts = facts.into_iter().map(|(fact, _)| fact).collect();
            let status = Status::of(facts);
            let mut shown = content.shown.iter_mut();
            if let Some(order) = shown.find(|one| one.id == id && one.status != status) {
                order.status = status;
                changed.push(order.clone());
            }
        }
        changed
    }

    /// The figures since the last tick.
    pub(crate) fn tick(&self) -> Figures {
        std::mem::take(&mut self.lock().figures)
    }

    pub(crate) fn totals(&self) -> Totals {
        let content = self.lock();
        Totals {
            unanswered: content
                .offered
                .saturating_sub(content.count + content.failed),
            failed: content.failed,
            pending: content.pending.len() as u64,
        }
    }

    /// How long after this time an order was still settled, in seconds. One that is not settled yet
    /// counts as settled now.
    pub(crate) fn settled_since_s(&self, since_ms: f64) -> f64 {
        let content = self.lock();
        let last_ms = match content.pending.is_empty() {
            true => content.last_settled_ms,
            false => now_ms(),
        };
        (last_ms - since_ms).max(0.0) / 1_000.0
    }

    /// How long the answers since then took, in milliseconds.
    pub(crate) fn answers_since(&self, since_ms: f64) -> Vec<f64> {
        let content = self.lock();
        let answers = content
            .answers
            .iter()
            .filter(|(at_ms, _)| *at_ms >= since_ms);
        answers.map(|(_, took_ms)| *took_ms).collect()
    }

    /// The orders that can be picked, newest first.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        self.lock().shown.iter().rev().take(100).cloned().collect()
    }

    pub(crate) fn find(&self, id: Uuid) -> Option<Shown> {
        self.lock().shown.iter().find(|one| one.id == id).cloned()
    }

    /// What was sent and accepted, and how many orders were answered with an error or not at all.
    pub(crate) fn sent(&self) -> (Vec<Sent>, u64) {
        let content = self.lock();
        (content.sent.iter().cloned().collect(), content.failed)
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Figures {
    pub(crate) fn orders(&self) -> Value {
        json!({
            "offered": self.offered,
            "accepted": self.accepted,
            "refused": self.refused,
            "settled": self.settled,
        })
    }

    pub(crate) fn latency_ms(self) -> Value {
        json!({
            "acknowledged": quantiles(self.acknowledged_ms),
            "settled": quantiles(self.settled_ms),
        })
    }
}

/// Null without a value.
fn quantiles(mut values: Vec<f64>) -> Value {
    if values.is_empty() {
        return Value::Null;
    }
    let of = Quantiles::of(&mut values);
    json!({ "p50": of.p50, "p99": of.p99, "count": of.count })
}

impl Shown {
    /// The order as an event of the page.
    pub(crate) fn event(&self, arm: &str) -> Value {
        json!({
            "arm": arm,
            "id": self.id,
            "number": self.number,
            "at_ms": self.at_ms,
            "status": status_name(self.status),
            "by_hand": self.by_hand,
        })
    }
}

/// The page knows three: a dispatched order stays confirmed.
pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Placed => "placed",
        Status::Confirmed | Status::Dispatched => "confirmed",
        Status::Cancelled => "cancelled",
    }
}

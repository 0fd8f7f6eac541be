//! The audit of both sides on demand, by the promises of every comparison.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analysis::model::{ACCEPTED_ARE_KEPT, Check};
use domain::Payment;
use futures::future::join_all;
use harness::audit::{Snapshot, audit as check_promises};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::clock::now_ms;
use crate::events::Events;
use crate::load::Load;
use crate::outbox;
use crate::side::Side;

/// How long the audit waits for a moment at which no work is left, under a load.
const LOADED_LIMIT: Duration = Duration::from_secs(5);
/// The same without a load: longer than the visibility timeout, after which the messages come back
/// that a killed process had received.
const IDLE_LIMIT: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(300);
/// The promises that hold at any moment. The others are about work that has ended.
const AT_ANY_MOMENT: [&str; 3] = [
    ACCEPTED_ARE_KEPT,
    "every order on record is the one that was sent",
    "no message is in a dead-letter queue",
];

/// Audits both sides at once, and publishes the result.
pub(crate) async fn audit(events: &Events, sides: &[Arc<Side>], load: &Load) -> Value {
    let limit = match load.is_on() {
        true => LOADED_LIMIT,
        false => IDLE_LIMIT,
    };
    let results = join_all(sides.iter().map(|side| async move {
        let judged = match of_side(side, limit).await {
            Ok(judged) => judged,
            Err(error) => {
                let text = format!("the audit could not read everything: {error:#}");
                json!({ "quiet": false, "promises": [], "error": text })
            }
        };
        (side.code().to_owned(), judged)
    }));
    let arms: Map<String, Value> = results.await.into_iter().collect();
    let result = json!({ "at_ms": now_ms(), "arms": arms });
    events.publish("audit", &result);
    result
}

/// Judges all promises at a quiet moment, or those that hold at any moment.
async fn of_side(side: &Side, limit: Duration) -> anyhow::Result<Value> {
    let started = Instant::now();
    loop {
        let is_late = started.elapsed() > limit;
        let was_quiet = nothing_moves(side).await?;
        if was_quiet || is_late {
            let mut snapshot = side.sources.read().await?;
            snapshot.outboxes = outboxes(side).await?;
            let is_quiet = was_quiet && nothing_is_due(&snapshot) && nothing_moves(side).await?;
            let (sent, failed) = side.book.sent();
            let mut checks = check_promises(&snapshot, &sent, failed);
            // A shop without an order breaks nothing.
            checks.retain(|check| check.promise != "orders are accepted");
            let is_kept = checks.iter().all(|check| check.broken == 0);
            if is_late || is_quiet && is_kept {
                if !is_quiet {
                    checks.retain(|check| AT_ANY_MOMENT.contains(&check.promise.as_str()));
                }
                let promises: Vec<Value> = checks.iter().map(show).collect();
                return Ok(json!({ "quiet": is_quiet, "promises": promises }));
            }
        }
        sleep(POLL).await;
    }
}

/// Whether no order and no message is on its way.
async fn nothing_moves(side: &Side) -> anyhow::Result<bool> {
    let depths = side.sources.depths().await?;
    let mut depths = depths.iter().filter(|(name, _)| !name.ends_with("-dlq"));
    Ok(side.book.totals().pending == 0 && depths.all(|(_, left)| *left == 0))
}

fn nothing_is_due(snapshot: &Snapshot) -> bool {
    let due = [Payment::CaptureDue, Payment::VoidDue, Payment::RefundDue];
    let mut payments = snapshot.payments.values();
    let mut outboxes = snapshot.outboxes.values();
    payments.all(|payment| !due.contains(&payment.state)) && outboxes.all(|rows| *rows == 0)
}

/// The rows of each outbox that should be sent by now.
async fn outboxes(side: &Side) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut rows = BTreeMap::new();
    for (name, url) in side.databases() {
        let mut connection = harness::audit::sources::connect(&url).await?;
        if outbox::exists(&mut connection).await? {
            let waiting = outbox::waiting(&mut connection).await?;
            rows.insert(name.to_owned(), waiting);
        }
    }
    Ok(rows)
}

fn show(check: &Check) -> Value {
    let violations = check
        .example
        .iter()
        .map(|text| json!({ "order": order_in(text), "text": text }));
    json!({
        "promise": check.promise,
        "kept": check.broken == 0,
        "checked": check.examined,
        "broken": check.broken,
        "violations": violations.collect::<Vec<_>>(),
    })
}

/// The first order that a complaint names.
fn order_in(text: &str) -> Option<Uuid> {
    let mut words = text.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-');
    words.find_map(|word| word.parse().ok())
}

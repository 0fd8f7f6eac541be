//! The journey of one order: its spans as lifelines, and its messages between them.

mod messages;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use self::messages::{Message, messages};
use crate::error::Error;
use crate::orders::{Shown, status_name};
use crate::side::{Side, database_of};
use crate::spans::{Kind, Span, Spans};

/// How long the database may take to answer.
const HISTORY_LIMIT: Duration = Duration::from_secs(5);

/// One line of the diagram, in milliseconds since 1970.
struct Line {
    id: String,
    parent: Option<String>,
    lifeline: String,
    kind: &'static str,
    name: String,
    begin_ms: f64,
    end_ms: f64,
    attributes: Value,
}

/// The journey of an order that the page shows.
///
/// # Errors
/// When the order is not among the recent ones.
pub(crate) async fn journey(
    http: &reqwest::Client,
    spans: &Spans,
    side: &Side,
    order: Uuid,
) -> Result<Value, Error> {
    let shown = side.book.find(order);
    let shown = shown.ok_or_else(|| Error::not_found("this order is not among the recent ones"))?;
    // Empty while its database does not answer.
    let history = timeout(HISTORY_LIMIT, history(side, order)).await;
    let history = history.ok().and_then(Result::ok).unwrap_or(json!([]));
    let spans = spans.of(shown.trace);
    let dead = dead_letters(http, side).await;
    let facts = history.as_array().into_iter().flatten();
    let facts = facts.filter_map(|entry| Some(entry["fact"].as_str()?.to_owned()));
    let messages = messages(&spans, &dead, &facts.collect::<Vec<_>>());

    let mut lines = vec![customer(&shown)];
    lines.extend(spans.iter().flat_map(of_span));
    lines.extend(messages.iter().filter_map(waiting));
    lines.sort_by(|one, other| one.begin_ms.total_cmp(&other.begin_ms));
    let begin_ms = lines.first().map_or(shown.at_ms, |line| line.begin_ms);

    let mut lifelines: Vec<&str> = vec![];
    for line in &lines {
        if !lifelines.contains(&line.lifeline.as_str()) {
            lifelines.push(&line.lifeline);
        }
    }
    let settled = status_name(shown.status) != "placed";
    let arrived = messages
        .iter()
        .all(|one| one.received_ms.is_some() || one.waits_on_purpose());
    Ok(json!({
        "arm": side.code(),
        "order": order,
        "status": status_name(shown.status),
        "history": history,
        "begin_ms": begin_ms,
        "lifelines": lifelines,
        "spans": lines.iter().map(|line| line.show(begin_ms)).collect::<Vec<_>>(),
        "messages": messages.iter().map(|one| one.show(begin_ms)).collect::<Vec<_>>(),
        "complete": settled && arrived && !spans.is_empty(),
    }))
}

/// The facts of an order in their sequence.
async fn history(side: &Side, order: Uuid) -> anyhow::Result<Value> {
    let facts = "select coalesce(json_agg(json_build_object(
                     'fact', fact, 'happened_at', coalesce(happened_at, at), 'at', at
                 ) order by coalesce(happened_at, at), at), '[]')::text
                 from order_facts where order_id = $1";
    let mut connection = side.sources.connect("orders").await?;
    let facts: String = sqlx::query_scalar(facts)
        .bind(order)
        .fetch_one(&mut connection)
        .await?;
    Ok(serde_json::from_str(&facts)?)
}

/// The dead letters of all queues, as text in which a message's id can be found.
async fn dead_letters(http: &reqwest::Client, side: &Side) -> String {
    let mut all = String::new();
    let Ok(sqs) = side.url_of("sqs") else {
        return all;
    };
    let queues = contracts::topology::queues(contracts::topology::Settings::default());
    for queue in queues {
        let url = format!("{sqs}/control/queues/{}-dlq/messages?limit=100", queue.name);
        let answer = async { http.get(url).send().await?.text().await };
        all += &answer.await.unwrap_or_default();
    }
    all
}

fn customer(order: &Shown) -> Line {
    Line {
        id: "customer".to_owned(),
        parent: None,
        lifeline: "customer".to_owned(),
        kind: "request",
        name: "POST /orders".to_owned(),
        begin_ms: order.at_ms,
        end_ms: order.at_ms + order.answer_ms,
        attributes: json!({}),
    }
}

/// The lines of a span. A handler works in one transaction, which has a line of its own.
fn of_span(span: &Arc<Span>) -> Vec<Line> {
    let database = database_of(&span.service);
    let (kind, lifeline) = match (span.kind, span.name.as_str()) {
        (Kind::Server, _) => ("request", Some(span.service.as_str())),
        (Kind::Consumer, name) if name.starts_with("prepare ") => {
            ("call", Some(span.service.as_str()))
        }
        (Kind::Consumer, _) => ("handle", Some(span.service.as_str())),
        (Kind::Client, "transaction") => ("transaction", database),
        (Kind::Client, name) if name.starts_with("send ") => ("send", Some(span.service.as_str())),
        (Kind::Client, _) => ("call", Some("provider")),
        // A creation takes no time: the messages show it.
        (Kind::Producer | Kind::Internal, _) => return vec![],
    };
    let line = |lifeline: &str, kind| Line {
        id: span.id.clone(),
        parent: span.parent.clone(),
        lifeline: lifeline.to_owned(),
        kind,
        name: span.queue.clone().unwrap_or_else(|| span.name.clone()),
        begin_ms: span.begin_ms,
        end_ms: span.end_ms,
        attributes: json!({
            "attempt": span.attempt,
            "message_id": span.message,
            "status": span.status,
            "error": span.error,
        }),
    };
    let mut lines: Vec<Line> = lifeline.map(|name| line(name, kind)).into_iter().collect();
    if kind == "handle" {
        lines.extend(database.map(|name| Line {
            id: format!("{}-transaction", span.id),
            parent: Some(span.id.clone()),
            ..line(name, "transaction")
        }));
    }
    lines
}

/// The time that a message has spent in its queue.
fn waiting(message: &Message) -> Option<Line> {
    Some(Line {
        id: format!("{}-{}", message.id, message.attempt),
        parent: None,
        lifeline: message.queue.clone(),
        kind: "wait",
        name: message.queue.clone(),
        begin_ms: message.sent_ms,
        end_ms: message.received_ms?,
        attributes: json!({
            "attempt": message.attempt,
            "message_id": message.id,
            "duplicate": message.duplicate,
        }),
    })
}

impl Line {
    fn show(&self, begin_ms: f64) -> Value {
        json!({
            "id": self.id,
            "parent": self.parent,
            "lifeline": self.lifeline,
            "kind": self.kind,
            "name": self.name,
            "begin_ms": self.begin_ms - begin_ms,
            "end_ms": self.end_ms - begin_ms,
            "attributes": self.attributes,
        })
    }
}

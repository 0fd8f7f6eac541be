//! GetQueueAttributes and SetQueueAttributes, and what creating a queue shares with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Empty, required};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::service::Service;
use crate::settings::{Pairs, Settings};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueAttributes {
    queue_url: Option<String>,
    attribute_names: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetQueueAttributes {
    queue_url: Option<String>,
    attributes: Option<Pairs>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
}

pub(super) fn get(service: &Service, request: &GetQueueAttributes) -> Result<Attributes> {
    let queue = service.queue(request.queue_url.as_deref())?;
    let names = request.attribute_names.as_deref().unwrap_or_default();
    let mut attributes = describe(&queue);
    for name in names {
        if name != "All" && !attributes.contains_key(&**name) && !is_optional(name) {
            return Err(Error::unknown_attribute(name));
        }
    }
    let is_wanted = |name: &str| names.iter().any(|wanted| wanted == "All" || wanted == name);
    attributes.retain(|name, _| is_wanted(name));
    Ok(Attributes { attributes })
}

pub(super) fn set(service: &Service, request: &SetQueueAttributes) -> Result<Empty> {
    let queue = service.queue(request.queue_url.as_deref())?;
    let changes = request
        .attributes
        .as_ref()
        .filter(|changes| !changes.is_empty());
    let changes = required(changes, "Attribute.Name")?;
    if changes.contains_key("RedrivePolicy") {
        // It looks at another queue, so it is done before this one is locked.
        check_dead_letter_queue(service, &queue.name, &queue.settings().with(changes)?)?;
    }
    queue.with(|state, now| {
        let settings = state.queue.settings().with(changes)?;
        state.queue.reconfigure(now, settings);
        state.last_modified = now;
        Ok(Empty {})
    })
}

/// A redrive policy must name a queue that is there, of the same type, and lets itself be named.
pub(super) fn check_dead_letter_queue(
    service: &Service,
    name: &str,
    settings: &Settings,
) -> Result<()> {
    let Some(policy) = &settings.redrive else {
        return Ok(());
    };
    let invalid = |reason: &str| Err(Error::value("RedrivePolicy", policy, reason));
    let Some(target) = service.queues.by_arn(&policy.target) else {
        return invalid("Dead letter target does not exist.");
    };
    let target = target.settings();
    if target.fifo != settings.fifo {
        // With two full stops, as Amazon says it.
        return invalid("Dead-letter queue must be same type of queue as the source..");
    }
    if target
        .redrive_allow
        .as_ref()
        .is_some_and(|allow| !allow.allows(&service.queues.arn(name)))
    {
        return invalid("Queue does not have permission to redrive to this dead-letter queue.");
    }
    Ok(())
}

/// The first attribute asked for whose value does not mean what the one it has means.
pub(super) fn first_difference(
    now: &Settings,
    wanted: &Settings,
    asked: &Pairs,
) -> Option<&'static str> {
    let (now, wanted) = (now.pairs(), wanted.pairs());
    let asked = wanted
        .into_iter()
        .filter(|(name, _)| asked.contains_key(*name));
    asked
        .into_iter()
        .find(|(name, value)| !now.get(name).is_some_and(|now| mean_the_same(now, value)))
        .map(|(name, _)| name)
}

/// Whether two values are equal, or two policies that differ in blanks or in an order alone.
fn mean_the_same(one: &str, other: &str) -> bool {
    let normal = |text: &str| serde_json::from_str(text).ok().map(normal_form);
    one == other || (one.starts_with('{') && normal(one) == normal(other))
}

/// A policy with its lists sorted: none of a policy has an order that means something.
fn normal_form(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(normal_form).collect();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => {
            let members = members.into_iter();
            members
                .map(|(name, value)| (name, normal_form(value)))
                .collect()
        }
        other => other,
    }
}

/// All attributes of the queue, those a client set and those the queue tells of itself.
fn describe(queue: &Host) -> BTreeMap<&'static str, String> {
    queue.with(|state, now| {
        let depth = state.queue.depth(now);
        let mut attributes = state.queue.settings().pairs();
        attributes.extend([
            ("QueueArn", queue.arn.to_string()),
            ("CreatedTimestamp", queue.created.seconds().to_string()),
            (
                "LastModifiedTimestamp",
                state.last_modified.seconds().to_string(),
            ),
            ("ApproximateNumberOfMessages", depth.waiting.to_string()),
            (
                "ApproximateNumberOfMessagesNotVisible",
                depth.in_flight.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesDelayed",
                depth.delayed.to_string(),
            ),
        ]);
        attributes
    })
}

/// Attributes a queue may lack, so that asking for them is no mistake.
fn is_optional(name: &str) -> bool {
    const OPTIONAL: [&str; 9] = [
        "Policy",
        "RedrivePolicy",
        "RedriveAllowPolicy",
        "FifoQueue",
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "FifoThroughputLimit",
        "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds",
    ];
    OPTIONAL.contains(&name)
}
